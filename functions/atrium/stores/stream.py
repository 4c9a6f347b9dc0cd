"""A Lambda handler for the table's stream: one record after the other, as the shard has them.

Where one fails, the answer names it: the batch begins again there, and what came before is not repeated.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from collections.abc import Callable
from typing import Any

from atrium.runtime import log, tracing
from atrium.stores import dynamodb

Item = dict[str, Any]
"""A new image, as plain values."""


def stream(handle: Callable[[Item], None]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """`handle` gets each item that was written. It may get one twice, and raises to get it again."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        for record in event["Records"]:
            change = record["dynamodb"]
            failure = _failure(handle, change["NewImage"], context)
            if failure:
                return {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]}]}
        return {"batchItemFailures": []}

    return handler


def _failure(
    handle: Callable[[Item], None], image: dict[str, Any], context: Any
) -> Exception | None:
    measurement = log.Measurement()
    item, error = dynamodb.plain(image), None
    try:
        with tracing.subsegment("record"):
            handle(item)
    except Exception as raised:
        error = raised
    log.write(
        "ERROR" if error else "INFO",
        "record",
        request_id=getattr(context, "aws_request_id", None),
        xray_trace_id=tracing.xray_trace_id(),
        item=item["pk"],
        error=log.failure(error) if error else None,
        **measurement.fields(),
    )
    return error
