"""The log of requests: one line for each, followed by the output of its function."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from local_aws.api_gateway.app import Answered
from local_aws.lambda_service import Invoked
from local_aws.supervisor.observations import Observation
from tools.laptop.dev import request_lines
from tools.laptop.dev.request_lines import API_GATEWAY, RequestLines, coloured

FOLDERS = {"atrium-dev-users": "users", "atrium-dev-pre_sign_up": "pre_sign_up"}


def record(**fields: Any) -> str:
    """Return a line as the kernel logs it; the kernel's tests check the fields."""
    return json.dumps(
        {"level": "INFO", "message": "request", "sql_round_trips": 1, "dynamodb_calls": 2} | fields
    )


def invoked(
    *output: str, source: str | None = API_GATEWAY, error: str | None = None, cold: bool = False
) -> Observation:
    return Observation(
        invoked=Invoked("atrium-dev-users", "lambda-id", source, cold, 12.3, error, list(output))
    )


def answered(
    status: int = 200, reason: str = "", function_request_id: str | None = "lambda-id"
) -> Observation:
    return Observation(
        answered=Answered("GET", "/v1/me", status, 18.4, "gateway-id", reason, function_request_id)
    )


def told(*seen: Observation, lines: RequestLines | None = None) -> list[str]:
    """Return the output without the time of day."""
    lines = lines or RequestLines(Path("/nowhere"), FOLDERS)
    shown = [line for one in seen for line in lines.of(one)]
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in shown]


def test_one_line_has_route_status_time_and_cost() -> None:
    assert told(invoked(record()), answered()) == [
        "GET    /v1/me                          200     18 ms  warm  sql 1  dynamodb 2"
    ]
    [line] = told(invoked(record(), cold=True), answered())
    assert "  cold  " in line


def test_a_refusal_of_the_gateway_is_shown_with_its_reason() -> None:
    [line] = told(answered(401, "UNAUTHORIZED: the token has expired", None))
    assert line.endswith("401     18 ms  UNAUTHORIZED: the token has expired")


def test_prints_and_the_traceback_follow_the_line() -> None:
    stack = "Traceback (most recent call last):\n  File ...\nKeyError: 'uid'\n"
    lines = told(
        invoked("looked", record(error={"type": "KeyError", "stack": stack}), "later"),
        answered(500),
    )
    assert lines[1:] == [
        "         | looked",
        "         | later",
        "         Traceback (most recent call last):",
        "           File ...",
        "         KeyError: 'uid'",
    ]


def test_a_crash_is_shown_once_with_the_runtimes_output() -> None:
    lines = told(
        invoked(
            "[ERROR] ValueError: no", "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}File ...", error="error"
        ),
        answered(502, 'Lambda execution failed: {"errorMessage": "no"}'),
    )
    assert lines == [
        "GET    /v1/me                          502     18 ms  warm",
        "         | [ERROR] ValueError: no",
        "         |   File ...",
    ]


def test_concurrent_requests_keep_their_own_lines() -> None:
    second = Observation(
        invoked=Invoked(
            "atrium-dev-users", "second", API_GATEWAY, False, 1, None, ["of the second"]
        )
    )
    lines = told(
        invoked("of the first"), second, answered(function_request_id="second"), answered()
    )
    assert lines[1::2] == ["         | of the second", "         | of the first"]


def test_a_trigger_has_a_line_of_its_own() -> None:
    cognito = "cognito-idp.amazonaws.com"
    done = record(message="trigger", source="PreSignUp_SignUp", outcome="done")
    assert told(invoked(done, source=cognito)) == [
        "users PreSignUp_SignUp                 done        12 ms  warm  sql 1  dynamodb 2"
    ]
    refused = record(
        message="trigger", source="PreSignUp_SignUp", outcome="refused", reason="Not this domain"
    )
    [line] = told(
        invoked(
            refused, "[ERROR] Refusal: Not this domain", "Traceback", source=cognito, error="error"
        )
    )
    assert line.endswith("dynamodb 2  Not this domain")


def test_an_abandoned_invocation_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = RequestLines(Path("/nowhere"), FOLDERS)
    monkeypatch.setattr(request_lines, "ABANDONED_SECONDS", 0.0)
    assert told(invoked("late"), lines=lines) == []
    assert told(answered(504, "timeout", None), lines=lines)[0].startswith("users apigateway")


def test_only_errors_are_coloured() -> None:
    lines = RequestLines(Path("/nowhere"), FOLDERS, coloured)
    assert "\x1b" not in told(invoked(record()), answered(), lines=lines)[0]
    assert "\x1b[33m" in told(answered(404, "", None), lines=lines)[0]
    assert "\x1b[31m" in told(answered(502, "", None), lines=lines)[0]


def test_paths_are_relative_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / "functions/users").mkdir(parents=True)
    (tmp_path / "functions/users/me.py").touch()
    unpacked = f"/home/ada/atrium/.local/run/code/{'0f' * 32}"
    stack = f'  File "{unpacked}/users/me.py", line 1\n  File "{unpacked}/python/botocore/client.py", line 2\n'
    lines = RequestLines(tmp_path, FOLDERS)
    shown = told(invoked(record(error={"stack": stack})), answered(500), lines=lines)
    assert shown[1:] == [
        '           File "functions/users/me.py", line 1',
        '           File "botocore/client.py", line 2',
    ]
