"""Deletion of published versions after a deploy: never one that an alias names, never the newest."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.deploy import live_alias, published_versions

REGION = "eu-central-1"


@pytest.fixture
def functions() -> Iterator[Any]:
    """Publish six versions of `users`, with `live` at 2 and a canary at 3."""
    with mock_aws():
        iam = boto3.client("iam", region_name=REGION)
        role = iam.create_role(
            RoleName="function", AssumeRolePolicyDocument=json.dumps({"Statement": []})
        )["Role"]
        client = boto3.client("lambda", region_name=REGION)
        client.create_function(
            FunctionName="users",
            Runtime="python3.13",
            Role=role["Arn"],
            Handler="h.h",
            Code={"ZipFile": code(0)},
        )
        for number in range(6):
            client.update_function_code(FunctionName="users", ZipFile=code(number), Publish=True)
        weights = {"AdditionalVersionWeights": {"3": 0.1}}
        client.create_alias(
            FunctionName="users", Name="live", FunctionVersion="2", RoutingConfig=weights
        )
        yield client


def code(number: int) -> bytes:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("h.py", f"number = {number}")
    return zipped.getvalue()


def left(functions: Any) -> list[str]:
    return [version["Version"] for version in live_alias.versions(functions, "users")]


def test_versions_of_an_alias_and_the_newest_are_kept(functions: Any) -> None:
    assert left(functions) == ["1", "2", "3", "4", "5", "6"]
    assert published_versions.prune(functions, ["users"], kept=2) == {"users": ["1", "4"]}
    assert left(functions) == ["2", "3", "5", "6"]
    assert published_versions.prune(functions, ["users"], kept=2) == {}


def test_a_small_number_of_versions_is_kept(functions: Any) -> None:
    assert published_versions.prune(functions, ["users"], kept=6) == {}
    assert len(left(functions)) == 6


def test_versions_of_recorded_releases_are_kept(functions: Any) -> None:
    recorded = [{"users": "1", "meta": "7"}]
    assert published_versions.prune(functions, ["users"], recorded, kept=2) == {"users": ["4"]}
