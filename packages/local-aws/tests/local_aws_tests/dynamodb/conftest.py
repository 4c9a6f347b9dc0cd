"""DynamoDB tables of the laptop's AWS, used with boto3 over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from moto.backends import get_backend

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.control_plane import endpoint
from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import DynamoDb, Store
from local_aws.settings import LOOPBACK, Settings
from local_aws_tests.lambda_service.laptop import REGION, Loop

KEYS = {"pk": "HASH", "sk": "RANGE"}


class Endpoint:
    """A store of items behind an AWS endpoint.

    `reopen` restarts both without the rest of the stack.
    """

    def __init__(self, loop: Loop, path: Path, is_moto: bool = False) -> None:
        """Start the endpoint; with `is_moto`, moto alone answers."""
        self._loop, self._path, self._is_moto = loop, path, is_moto
        self.store = Store(path)
        self._moto = Moto(Settings(root=path.parent))
        self._runner, self._port = loop.run(self._listen())
        self.client = boto3.client(
            "dynamodb", region_name=REGION, endpoint_url=f"http://{LOOPBACK}:{self._port}",
            aws_access_key_id="local", aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )  # fmt: skip

    async def _listen(self) -> tuple[web.AppRunner, int]:
        async def allow(call: AwsCall) -> AwsResponse | None:
            return None

        dynamodb = DynamoDb(self.store)
        self._dynamodb = dynamodb
        app = endpoint.create_app(
            {} if self._is_moto else {"dynamodb": dynamodb.intercept}, self._moto, allow
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return runner, runner.addresses[0][1]

    def reopen(self, meanwhile: Callable[[Path], None] = lambda _: None) -> None:
        self.store.close()
        meanwhile(self._path)
        self.store = self._dynamodb.store = Store(self._path)

    def close(self) -> None:
        self.client.close()
        self._loop.run(self._runner.cleanup())
        self._moto.close()
        self.store.close()

    def table(self, name: str, **options: Any) -> str:
        """Create a table with the keys pk and sk, and the index GSI1 with gsi1pk and gsi1sk.

        Return its name.
        """
        names = ("pk", "sk", "gsi1pk", "gsi1sk")
        keys = [{"AttributeName": f"gsi1{key}", "KeyType": kind} for key, kind in KEYS.items()]
        index = {"IndexName": "GSI1", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
        wanted: dict[str, Any] = {
            "TableName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in KEYS.items()],
            "AttributeDefinitions": [
                {"AttributeName": each, "AttributeType": "S"} for each in names
            ],
            "GlobalSecondaryIndexes": [index],
            "BillingMode": "PAY_PER_REQUEST",
        } | options
        self.client.create_table(**{key: value for key, value in wanted.items() if value})
        return name


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    for service in ("dynamodb", "dynamodbstreams"):
        get_backend(service).reset()
    loop = Loop()
    made = Endpoint(loop, tmp_path_factory.mktemp("state") / "items.sqlite")
    yield made
    made.close()
    loop.close()
