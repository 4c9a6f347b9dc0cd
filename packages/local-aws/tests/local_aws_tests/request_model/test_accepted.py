"""Values that AWS documents as valid, which must be accepted."""

from pathlib import Path
from typing import Any

import botocore.session
import pytest
import regex
import yaml

from local_aws.control_plane.moto_app import SERVICES
from local_aws.request_model import RequestModelGate
from local_aws.request_model.constraints import _in_python
from local_aws.request_model.gate import MODELS
from local_aws_tests.request_model.sent import answered, call

CASES: list[tuple[str, str, dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("accepted.yaml").read_text()
)
NOT_READ = {("s3", "PutObject")}
"""Operations that the gate does not check: of S3 it checks only those on buckets."""


def test_the_number_of_cases_is_sufficient() -> None:
    assert len(CASES) >= 100
    assert len({service for service, *_ in CASES}) >= 15


@pytest.mark.parametrize(
    ("service", "operation", "parameters"), CASES, ids=lambda value: str(value)[:60]
)
def test_a_documented_value_is_accepted(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    gate = RequestModelGate()
    answer = answered(gate, call(service, operation, parameters))
    assert answer is None, answer.body
    assert sum(gate.checked.values()) == ((service, operation) not in NOT_READ)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_pattern_of_a_model_can_be_compiled(service: str) -> None:
    model = botocore.session.Session().get_service_model(MODELS.get(service, service))
    shapes = [model.shape_for(name) for name in model.shape_names]
    for pattern in {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}:
        regex.compile(_in_python(pattern))
