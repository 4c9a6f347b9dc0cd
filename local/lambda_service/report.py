"""The platform's own lines in a function's log: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html."""

from local.lambda_service.worker import Event, Outcome, Worker


def log_lines(
    worker: Worker, event: Event, outcome: Outcome, written: list[str], duration_ms: float, cold: bool
) -> list[str]:
    """START, the function's own lines, END and REPORT, worded as by AWS."""
    memory, peak = worker.function.memory, worker.peak_memory_mb()
    report = [
        f"REPORT RequestId: {event.request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {int(duration_ms) + 1} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {peak} MB" if peak else "",
        f"Init Duration: {worker.init_ms:.2f} ms" if cold else "",
        f"Status: {outcome.status}" if outcome.status else "",
    ]
    return [
        f"START RequestId: {event.request_id} Version: {worker.function.version}",
        *written,
        f"END RequestId: {event.request_id}",
        "\t".join(part for part in report if part),
    ]
