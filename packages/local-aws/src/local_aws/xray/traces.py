"""Segment documents, grouped by trace and assembled as X-Ray does.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import copy
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

KEPT = 1000  # the newest traces; in memory only


class Traces:
    def __init__(self) -> None:
        self._documents: OrderedDict[str, dict[str, Document]] = (
            OrderedDict()
        )  # trace id -> segment id -> document

    def expect(self, trace_id: str) -> None:
        """Announce a trace: `put` keeps only segments of announced traces.

        The caller has checked that the sender may put segments.
        """
        self._documents.setdefault(trace_id, {})
        while len(self._documents) > KEPT:
            self._documents.popitem(last=False)

    def put(self, document: Document) -> bool:
        """Keep a document; return False if its trace was not announced.

        A later document with the same id replaces the earlier one, for example when the segment is
        no longer in progress.
        """
        trace = self._documents.get(document["trace_id"])
        if trace is None:
            return False
        trace[document["id"]] = document
        return True

    def trace(self, trace_id: str) -> Document | None:
        """Return a trace in the form of BatchGetTraces.

        https://docs.aws.amazon.com/xray/latest/api/API_Trace.html
        """
        segments = self._segments(trace_id)
        if not segments:
            return None
        return {
            "Id": trace_id,
            "Duration": _duration(segments),
            "LimitExceeded": False,
            "Segments": [
                {"Id": segment["id"], "Document": json.dumps(segment)} for segment in segments
            ],
        }

    def summaries(self, start: float, end: float) -> list[Document]:
        """Return the summaries of traces that began in this interval (epoch seconds).

        https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html
        """
        found = [(trace_id, self._segments(trace_id)) for trace_id in self._documents]
        return [
            _summary(trace_id, segments)
            for trace_id, segments in found
            if segments and start <= segments[0]["start_time"] <= end
        ]

    def _segments(self, trace_id: str) -> list[Document]:
        """Return the segments, oldest first, with separately sent subsegments inside their parents.

        A subsegment stays at the top level until its parent arrives.
        """
        documents = copy.deepcopy(self._documents.get(trace_id, {}))
        nodes = {node["id"]: node for document in documents.values() for node in _walk(document)}
        segments = []
        for document in sorted(documents.values(), key=lambda each: float(each["start_time"])):
            parent = nodes.get(document.get("parent_id", ""))
            if document.get("type") == "subsegment" and parent is not None:
                parent.setdefault("subsegments", []).append(document)
            else:
                segments.append(document)
        return segments


def _walk(document: Document) -> list[Document]:
    return [document, *(node for each in document.get("subsegments", []) for node in _walk(each))]


def _duration(segments: list[Document]) -> float:
    ends = [
        float(each["end_time"] if "end_time" in each else each["start_time"]) for each in segments
    ]
    return round(max(ends) - float(segments[0]["start_time"]), 3)


def _summary(trace_id: str, segments: list[Document]) -> Document:
    nodes = [node for segment in segments for node in _walk(segment)]
    return {
        "Id": trace_id,
        "Duration": _duration(segments),
        "ResponseTime": _duration(segments[:1]),
        "HasFault": any(node.get("fault") for node in nodes),
        "HasError": any(node.get("error") for node in nodes),
        "HasThrottle": any(node.get("throttle") for node in nodes),
        "IsPartial": any(node.get("in_progress") for node in nodes),
        "Annotations": _annotations(nodes),
        "ServiceIds": [{"Name": each["name"], "Type": each.get("origin", "")} for each in segments],
        "ResourceARNs": [
            {"ARN": each["resource_arn"]} for each in segments if "resource_arn" in each
        ],
    }


def _annotations(nodes: list[Document]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for node in nodes:
        for name, value in node.get("annotations", {}).items():
            kind = (
                "BooleanValue"
                if isinstance(value, bool)
                else "StringValue"
                if isinstance(value, str)
                else "NumberValue"
            )
            found.setdefault(name, []).append({"AnnotationValue": {kind: value}})
    return found
