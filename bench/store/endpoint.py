"""An AWS endpoint with the store of items behind it, or moto alone, in a thread of this process."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import boto3
import uvloop
from aiohttp import web
from botocore.config import Config

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.control_plane import endpoint
from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import DynamoDb, Store
from local_aws.settings import LOOPBACK, Settings

REGION = "eu-central-1"


class Endpoint:
    """The endpoint and a boto3 client of it. `reopen` closes the store's file for a while."""

    def __init__(self, path: Path, is_moto: bool) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._path = path
        self._store = Store(path)
        self._dynamodb = DynamoDb(self._store)
        self._moto = Moto(Settings(root=path.parent))
        interceptors = {} if is_moto else {"dynamodb": self._dynamodb.intercept}
        app = endpoint.create_app(interceptors, self._moto, _allow)
        self._runner = web.AppRunner(app, access_log=None)
        self._run(self._listen())
        self.client = boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=f"http://{LOOPBACK}:{self._runner.addresses[0][1]}",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - a key that no account has
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    async def _listen(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, 0).start()

    def reopen(self, meanwhile: Callable[[Path], None]) -> None:
        self._store.close()
        meanwhile(self._path)
        self._store = self._dynamodb.store = Store(self._path)

    def table(self, name: str) -> str:
        """Create a table of pk and sk with the index GSI1 of gsi1pk and gsi1sk; return its name."""
        names = ("pk", "sk", "gsi1pk", "gsi1sk")
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        self.client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in names],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "GSI1",
                    "KeySchema": [
                        {"AttributeName": f"gsi1{key}", "KeyType": kind} for key, kind in keys
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def close(self) -> None:
        self.client.close()
        self._run(self._runner.cleanup())
        self._moto.close()
        self._store.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


async def _allow(call: AwsCall) -> AwsResponse | None:
    return None
