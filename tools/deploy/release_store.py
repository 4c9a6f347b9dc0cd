"""The records of an environment's releases, in the bucket of its Terraform state."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import msgspec
from botocore.exceptions import ClientError

from tools.deploy import configuration, environment, release_records, stored_locks
from tools.deploy.configuration import Configuration
from tools.deploy.environment import Environment
from tools.deploy.release_records import Release
from tools.deploy.stored_locks import Lock
from tools.deploy.tested_sql import TestedSchema

LOCAL_BUCKET = "atrium-local-releases"


@dataclass(frozen=True)
class ReleaseStore:
    """Records and locks of one environment. Callers of `add` and `replace` hold the lock."""

    s3: Any
    bucket: str
    environment: str

    @contextmanager
    def lock(self, operation: str) -> Iterator[None]:
        """Hold the release lock. Raise RefusedError if another release keeps it."""
        with stored_locks.release_lock(self.s3, self.bucket, self.environment, operation):
            yield

    def locks(self) -> list[Lock]:
        return stored_locks.found(self.s3, self.bucket, self.environment)

    def releases(self) -> list[Release]:
        """Return the recorded releases, the newest last."""
        content = self._read("releases.json")
        return release_records.read(content) if content else []

    def add(self, release: Release) -> None:
        self.replace([*self.releases(), release])

    def replace(self, releases: list[Release]) -> None:
        self._write("releases.json", release_records.written(releases))

    def applied_commit(self) -> str:
        """Return the commit whose Terraform was applied last, also if its release failed later."""
        return self._read("applied-commit").decode()

    def set_applied_commit(self, commit: str) -> None:
        self._write("applied-commit", commit.encode())

    def schema(self) -> TestedSchema | None:
        """Return the newest schema that was migrated to, also if its release failed later."""
        content = self._read("schema.json")
        return msgspec.json.decode(content, type=TestedSchema) if content else None

    def set_schema(self, schema: TestedSchema) -> None:
        """Record a schema before its migrations run. An older one changes nothing."""
        known = self.schema()
        if known is None or known.migration <= schema.migration:
            self._write("schema.json", msgspec.json.encode(schema))

    def _read(self, name: str) -> bytes:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=f"{self.environment}/{name}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return b""
        content: bytes = answer["Body"].read()
        return content

    def _write(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.environment}/{name}", Body=content)


def of(target: Environment) -> ReleaseStore:
    """Return the store of an environment that was applied; on the laptop, in a bucket of its own."""
    if not target.is_local:
        return of_configuration(configuration.read(target.name))
    s3 = target.client("s3")
    if LOCAL_BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        place = {"LocationConstraint": target.output("region")}
        s3.create_bucket(Bucket=LOCAL_BUCKET, CreateBucketConfiguration=place)
    return ReleaseStore(s3, LOCAL_BUCKET, target.name)


def of_configuration(known: Configuration) -> ReleaseStore:
    """Return the store of an environment that may not have been applied yet."""
    s3 = boto3.client("s3", region_name=known.region)
    return ReleaseStore(s3, known.state_bucket, known.environment)


def named(name: str) -> ReleaseStore:
    """Return the store of an environment by its name, without reading Terraform's outputs on AWS."""
    name = environment.chosen(name)
    if name == environment.LOCAL:
        return of(environment.environment(name))
    known = configuration.read(name)
    known.export()
    return of_configuration(known)
