"""Values that AWS refuses: they are refused here with the service's error code and the member's
name.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.request_model import RequestModelGate
from local_aws.request_model.refusal import CODES, DEFAULT_CODE
from local_aws_tests.request_model.sent import answered, call

Case = tuple[str, str, dict[str, Any], str]
CASES: list[Case] = yaml.safe_load(Path(__file__).with_name("refused.yaml").read_text())


def test_the_number_of_cases_is_sufficient() -> None:
    assert len(CASES) >= 60
    assert len({service for service, *_ in CASES}) >= 15


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "named"), CASES, ids=lambda value: str(value)[:60]
)
def test_an_invalid_value_is_refused_by_name(
    service: str, operation: str, parameters: dict[str, Any], named: str
) -> None:
    asked = call(service, operation, parameters)
    answer = answered(RequestModelGate(), asked)
    assert answer is not None, "accepted"
    assert answer.status == 400
    code = CODES.get(asked.service, DEFAULT_CODE)
    text = answer.body.decode()
    assert f"at '{named}" in text
    assert code in text
    if answer.headers["content-type"] == "application/json":
        assert json.loads(text)["__type"] == code


def test_every_violation_is_reported_without_sensitive_values() -> None:
    parameters = {"ClientId": "no client", "Username": "ada", "Password": ""}
    answer = answered(RequestModelGate(), call("cognito-idp", "SignUp", parameters))
    assert answer is not None
    said = json.loads(answer.body)["message"]
    assert said.startswith("2 validation errors detected: Value at 'clientId' ")
    assert "Value at 'password'" in said
