"""The console's memory of requests, which is bounded."""

import pytest

from local_aws.api_gateway.app import Answered
from local_aws.console.entries import page_of
from local_aws.console.recorder import API_GATEWAY, BLOCK, Recorder
from local_aws.lambda_service import Invoked
from local_aws.spans import OpenSpans, Span


def answered(path: str = "/v1/me", status: int = 200, function: str | None = None) -> Answered:
    return Answered(
        "GET", path, status, 20.0, "gateway-id", "", function, 100.0, 0.5, 0.1, "1-a-b", "sub-1"
    )


def invoked(
    request_id: str, source: str | None = API_GATEWAY, spans: tuple[Span, ...] = ()
) -> Invoked:
    return Invoked(
        "users", request_id, source, True, 12.0, None, ['{"message":"request"}'], 100.001, 6.0, 5.0,
        "1-a-b", list(spans),
    )  # fmt: skip


def test_a_request_is_shown_with_the_calls_of_its_function() -> None:
    recorder = Recorder()
    calls = (
        Span("sql", "connect", "app", 100.008, 2.0),
        Span("sql", "SELECT 1", "app", 100.010, 1.0),
        Span("dynamodb", "GetItem", "Users", 100.012, 3.0, 0.5),
    )
    recorder.invoked(invoked("function-id", spans=calls))
    assert recorder.newest(0, 10) == [], "the gateway has not answered yet"
    recorder.answered(answered(function="function-id"))
    [summary] = recorder.newest(0, 10)
    assert (summary.path, summary.start, summary.sql, summary.calls) == ("/v1/me", "cold", 1, 1)
    assert summary.units == 0.5
    seen = recorder.find(summary.number)
    assert seen
    page = page_of(seen)
    bars = [(bar.kind, bar.name, round(bar.start, 3), round(bar.ms, 3)) for bar in page.bars]
    assert bars == [
        ("gateway", "API Gateway", 0.0, 20.0),
        ("authorizer", "Authorizer", 0.1, 0.5),
        ("wait", "Wait for a worker", 1.0, 1.0),
        ("start", "Cold start", 2.0, 5.0),
        ("function", "users", 7.0, 12.0),
        ("sql", "connect", 8.0, 2.0),
        ("sql", "SELECT 1", 10.0, 1.0),
        ("dynamodb", "GetItem", 12.0, 3.0),
    ]
    assert page.log == ['{"message":"request"}']
    assert (page.caller, page.trace_id) == ("sub-1", "1-a-b")


def test_an_invocation_of_another_service_is_a_line_of_its_own() -> None:
    recorder = Recorder()
    recorder.invoked(invoked("a", "cognito-idp.amazonaws.com"))
    recorder.invoked(invoked("b", None))
    shown = [(each.method, each.path, each.status) for each in recorder.newest(0, 10)]
    assert shown == [("cognito", "users", 0), ("invoke", "users", 0)]


def test_every_kept_request_is_found_in_open_and_in_closed_blocks() -> None:
    recorder = Recorder()
    for number in range(1, 2 * BLOCK + 4):
        recorder.answered(answered(f"/{number}"))
    for number in (1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 3):
        seen = recorder.find(number)
        assert seen
        assert seen.answered
        assert seen.answered.path == f"/{number}"
    assert recorder.find(0) is None
    assert recorder.find(2 * BLOCK + 4) is None
    assert [each.number for each in recorder.before(3)] == [2, 1]


@pytest.mark.parametrize("limits", [{"kept": 3 * BLOCK}, {"kept_bytes": 10_000}])
def test_the_oldest_requests_are_dropped(limits: dict[str, int]) -> None:
    recorder = Recorder(**limits)
    for number in range(1, 20 * BLOCK + 1):
        recorder.answered(answered(f"/{number:0200}"))
    kept = list(recorder.before(recorder.next))
    assert BLOCK <= len(kept) <= 10 * BLOCK
    assert recorder.oldest == kept[-1].number
    seen = recorder.find(recorder.oldest)
    assert seen
    assert seen.number == recorder.oldest
    assert recorder.find(recorder.oldest - 1) is None


def test_only_the_key_of_a_running_event_gets_spans() -> None:
    spans = OpenSpans()
    assert spans.of("key") is None
    spans.begin("key")
    found = spans.of("key")
    assert found == []
    found.append(Span("sql", "SELECT 1", "app", 0.0, 1.0))
    assert spans.of("other") is None
    assert len(spans.end("key")) == 1
    assert spans.of("key") is None
