"""The waiting times of an apply, as bench/start reads them from Terraform's events."""

import json

from bench.start.terraform_waits import Wait, waits


def event(second: int, kind: str, address: str, action: str = "create") -> str:
    hook = {"resource": {"addr": address}, "action": action}
    return json.dumps(
        {"@timestamp": f"2026-11-28T04:00:{second:02}.000000Z", "type": kind, "hook": hook}
    )


def test_the_slowest_resource_is_first() -> None:
    lines = [
        json.dumps({"@level": "info", "@message": "a line without a time"}),
        json.dumps({"@timestamp": "2026-11-28T04:00:00.000000Z", "type": "version"}),
        event(1, "apply_start", "data.aws_region.current", "read"),
        event(2, "apply_complete", "data.aws_region.current", "read"),
        event(2, "apply_start", "aws_kms_key.this"),
        event(3, "apply_start", "aws_db_instance.this"),
        event(5, "apply_complete", "aws_kms_key.this"),
        event(9, "apply_complete", "aws_db_instance.this"),
        event(9, "apply_start", "aws_db_proxy.this"),
    ]
    assert waits(lines) == [Wait("aws_db_instance.this", 3, 9), Wait("aws_kms_key.this", 2, 5)]
