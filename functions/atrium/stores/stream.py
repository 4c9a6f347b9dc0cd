"""Lambda handlers for the table's stream, which process the records of a shard in order.

If a record fails, the response names it. Lambda repeats the batch from there, without the records
before it. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from collections.abc import Callable
from typing import Any

from atrium.runtime import log, tracing
from atrium.stores import dynamodb

Item = dict[str, Any]
"""A new image, as plain values."""


def stream(handle: Callable[[Item], None]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Return a handler that calls `handle` with each item that was written.

    `handle` may get an item twice, and raises an exception to get it again.
    """

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
