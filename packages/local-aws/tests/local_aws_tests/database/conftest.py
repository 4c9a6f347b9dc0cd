import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pg8000.native
import pytest
import uvloop
from botocore.credentials import Credentials
from moto import mock_aws

from local_aws.database import pgbouncer, settling
from local_aws.database.authentication import iam_authentication
from local_aws.database.postgres import SUPERUSER, Postgres, running
from local_aws.database.proxy import Proxy
from local_aws.database.registered import RegisteredProxy
from local_aws.database.tls import Certificates, certificates
from local_aws.iam import sessions
from local_aws.settings import LOOPBACK

REGION = "eu-central-1"
PROXY_ID = "prx-0123456789abcdef0"


class Loop:
    """An event loop in a thread of its own, as in the supervisor, because clients in tests block."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with running(tmp_path_factory.mktemp("database") / "postgres") as server:
        admin = pg8000.native.Connection(SUPERUSER, unix_sock=server.socket, database="app")
        for user in ("app", "readonly", "migrator"):
            admin.run(f"CREATE ROLE {user} LOGIN IN ROLE rds_iam")
        admin.run("CREATE TABLE notes (id int PRIMARY KEY, text text)")
        admin.run("GRANT ALL ON notes TO app")
        admin.close()
        yield server


@pytest.fixture(scope="module")
def settled() -> Iterator[None]:
    """Move the clock by a minute, so that the proxy knows its target and every secret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "now", lambda: time.time() + 60)
        yield


@pytest.fixture(
    scope="module"
)  # not of the session, because another test's mock_aws inside it would not start empty
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@dataclass
class Stand:
    """The stand-in as the supervisor runs it, with the control plane's record of the proxy."""

    proxy: Proxy
    loop: Loop
    certificates: Certificates
    registered: list[RegisteredProxy]

    @property
    def port(self) -> int:
        return self.proxy.port

    def change(self, **fields: Any) -> None:
        self.registered[:] = [replace(self.registered[0], **fields)]

    def token(
        self,
        user: str = "app",
        role: str = "function",
        host: str = LOOPBACK,
        port: int | None = None,
    ) -> str:
        return token(role, user, host, port or self.port)

    def connect(
        self, password: str | None = None, user: str = "app", **more: Any
    ) -> pg8000.native.Connection:
        context = ssl.create_default_context(cafile=self.certificates.ca_bundle)
        arguments = {
            "host": LOOPBACK,
            "port": self.port,
            "database": "app",
            "ssl_context": context,
            "timeout": 60,
        }
        return pg8000.native.Connection(
            user, password=password or self.token(user), **(arguments | more)
        )


def token(role: str, user: str, host: str, port: int) -> str:
    """Return a token by botocore's signer, because our code only verifies tokens."""
    key, secret, session_token, _ = sessions.credentials_for(role_arn(role), "worker")
    client = boto3.client("rds", region_name=REGION)
    client._request_signer._credentials = Credentials(key, secret, session_token)
    made: str = client.generate_db_auth_token(host, port, user, REGION)
    return made


def role_arn(name: str) -> str:
    return f"arn:aws:iam::000000000000:role/{name}"


def make_role(
    name: str, *statements: dict[str, Any], trusted: str = "rds.amazonaws.com", **condition: Any
) -> str:
    iam = boto3.client("iam", region_name=REGION)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": [trusted, "lambda.amazonaws.com"]},
        "Action": "sts:AssumeRole",
        **condition,
    }
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
    return role_arn(name)


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def secret(name: str, value: dict[str, str] | None) -> str:
    client = boto3.client("secretsmanager", region_name=REGION)
    arn: str = client.create_secret(Name=name)["ARN"]
    if value is not None:
        client.put_secret_value(SecretId=arn, SecretString=json.dumps(value))
    return arn


@pytest.fixture(scope="module")
def registered(aws: None, settled: None) -> RegisteredProxy:
    """Register `app` and `migrator` with secrets, `readonly` with an empty one.

    The function's role may connect as app and readonly.
    """
    secrets = (
        secret("app", {"username": "app", "password": "generated"}),
        secret("migrator", {"username": "migrator", "password": "generated"}),
        secret("readonly", None),
    )
    users = f"arn:aws:rds-db:{REGION}:000000000000:dbuser:{PROXY_ID}"
    make_role(
        "function",
        allow("rds-db:connect", f"{users}/app"),
        allow("rds-db:connect", f"{users}/readonly"),
    )
    proxy_role = make_role(
        "proxy", *(allow("secretsmanager:GetSecretValue", arn) for arn in secrets)
    )
    return RegisteredProxy(PROXY_ID, REGION, secrets, proxy_role, has_target=True)


Started = Callable[[str], Stand]


@pytest.fixture
def start(
    loop: Loop, registered: RegisteredProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    proxies: list[Proxy] = []
    found = certificates(tmp_path_factory.getbasetemp() / "tls")

    def start(upstream: str) -> Stand:
        known = [registered]
        proxy = Proxy(
            upstream, iam_authentication(lambda: proxy.port, lambda: known), found.server_context()
        )
        proxies.append(proxy)
        loop.run(proxy.start())
        return Stand(proxy, loop, found, known)

    yield start
    for proxy in proxies:
        loop.run(proxy.stop())


@pytest.fixture(scope="session")
def pool(postgres: Postgres, loop: Loop) -> Iterator[pgbouncer.Pgbouncer]:
    pool = loop.run(pgbouncer.start(postgres, size=2))
    if pool is None:
        pytest.fail("PgBouncer is not installed: apt-get install pgbouncer")
    yield pool
    loop.run(pool.stop())


@pytest.fixture
def stand(start: Started, pool: pgbouncer.Pgbouncer) -> Stand:
    """Start the stand-in before PgBouncer, with two server connections per user."""
    return start(pool.socket)
