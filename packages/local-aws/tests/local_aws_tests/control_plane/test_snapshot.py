"""Snapshots: one process writes the control plane, and the next one loads it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.moto_state import snapshot

FILL = """
import boto3, sys
from pathlib import Path
from moto import mock_aws
from local_aws.moto_state import snapshot
with mock_aws():
    boto3.client("ssm").put_parameter(Name="/there/before", Value="a restart", Type="String")
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.s3")
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    boto3.client("s3").create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    tables = boto3.client("dynamodb")
    tables.create_table(TableName="t", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    tables.put_item(TableName="t", Item={"pk": {"S": "kept"}})
    sealed = boto3.client("kms").encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    snapshot.dump(Path(sys.argv[1]), {"sealed": sealed})
"""
READ = """
import boto3, json, sys
from pathlib import Path
from moto import mock_aws
from local_aws.moto_state import snapshot
with mock_aws():
    extra = snapshot.load(Path(sys.argv[1]))
    boto3.client("ssm").put_parameter(Name="/new/after", Value="a restart", Type="String")
    print(json.dumps({
        "vpcs": [vpc["CidrBlock"] for vpc in boto3.client("ec2").describe_vpcs()["Vpcs"]],
        "items": boto3.client("dynamodb").scan(TableName="t")["Items"],
        "buckets": [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]],
        "opened": boto3.client("kms").decrypt(CiphertextBlob=extra["sealed"])["Plaintext"].decode(),
    }))
"""


def python(code: str, file: Path) -> str:
    keys = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(
        command,
        env=os.environ | keys,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[5],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_next_process_has_the_same_control_plane(tmp_path: Path) -> None:
    file = tmp_path / "control-plane.snapshot"
    python(FILL, file)
    assert file.stat().st_mode & 0o777 == 0o600
    found = json.loads(python(READ, file))
    assert "10.9.0.0/16" in found["vpcs"]
    assert found["items"] == [{"pk": {"S": "kept"}}]
    assert found["buckets"] == ["state"]
    assert found["opened"] == "secret"


def test_a_damaged_snapshot_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "control-plane.snapshot"
    file.write_bytes(b"half a file")
    with pytest.raises(snapshot.SnapshotError, match="cannot be read"):
        snapshot.load(file)


def test_a_snapshot_of_another_version_is_refused_with_that_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "control-plane.snapshot"
    monkeypatch.setattr(snapshot, "VERSION", "moto-0")
    snapshot.dump(file, None)
    monkeypatch.undo()
    with pytest.raises(snapshot.SnapshotError, match="written by moto-0"):
        snapshot.load(file)
