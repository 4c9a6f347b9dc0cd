"""The supervisor: one process that is the laptop's AWS. Everything it starts ends with it."""

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.api_gateway.app import create_app as create_api
from local.api_gateway.authorizer import CognitoAuthorizer
from local.api_gateway.control import RestApis
from local.bootstrap import RUNTIME
from local.cognito.endpoint import Cognito
from local.control_plane import endpoint
from local.control_plane.moto_app import Moto
from local.database import pgbouncer, postgres, rds, tls
from local.database.authentication import iam_authentication
from local.database.postgres import Postgres
from local.database.proxy import Proxy
from local.iam import sessions
from local.iam.gate import IamGate
from local.lambda_service import Credentials, LambdaService
from local.settings import LOOPBACK, Settings
from local.stack import process
from local.stack.persistence import Persistence
from local.stack.process import Running

log = logging.getLogger("local")


def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)
    for chatty in ("aiohttp.access", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        running = await _start(settings, stack)
        process.write_ready(settings, running)
        log.info("ready: API on %s, AWS on %s", settings.api_url, settings.aws_endpoint_url)
        await stopping.wait()
        log.info("stopping")


@dataclass(frozen=True)
class Database:
    server: Postgres
    proxy: Proxy
    certificates: tls.Certificates
    pooling: str


async def _start(settings: Settings, stack: AsyncExitStack) -> Running:
    """Starts the parts in the order in which they need each other; `stack` stops them in reverse."""
    settings.state.mkdir(parents=True, exist_ok=True)
    moto = Moto(settings)
    stack.callback(moto.close)
    persistence = Persistence(settings, moto)
    kept = persistence.load()
    if not kept.restored:
        persistence.set_database_aside()
    database = await _start_database(settings, stack)

    functions = LambdaService(
        settings,
        _role_credentials,
        python=Path(sys._base_executable),  # type: ignore[attr-defined]
        runtime=RUNTIME,
        ca_bundle=database.certificates.ca_bundle,
    )
    await functions.start()
    stack.push_async_callback(functions.close)
    cognito = Cognito(settings, functions.invoke, kept.cognito)
    apis = RestApis(kept.apis)
    persistence.keep(cognito, apis)
    # Registered after what changes state, so that it runs before they stop: the last word of every stop is a snapshot.
    stack.callback(persistence.save)

    interceptors = {
        "apigateway": apis.intercept,
        "cognito-idp": cognito.intercept,
        "lambda": functions.intercept,
        "rds": rds.interceptor(database.proxy.port),
    }
    aws = endpoint.create_app(interceptors, moto, IamGate().check, [*cognito.routes(), *persistence.routes()])
    await _listen(aws, settings.aws_port, stack)
    api = create_api(apis, functions, CognitoAuthorizer(cognito.key_set, cognito.issuer), log.info)
    await _listen(api, settings.api_port, stack)
    return Running(
        pid=os.getpid(),
        api_port=settings.api_port,
        aws_port=settings.aws_port,
        postgres_port=database.server.port,
        postgres_version=database.server.version,
        pooling=database.pooling,
        restored=kept.restored,
        notice=kept.notice,
    )


async def _start_database(settings: Settings, stack: AsyncExitStack) -> Database:
    ports = settings.state / "ports.json"
    wanted: dict[str, int] = json.loads(ports.read_text()) if ports.exists() else {}
    server = await postgres.start(
        settings.state / "postgres", port=_if_free(wanted.get("postgres")), log=settings.logs / "postgres.log"
    )
    stack.push_async_callback(server.stop)
    pool = await pgbouncer.start(server, log=settings.logs / "pgbouncer.log")
    if pool:
        stack.push_async_callback(pool.stop)
    certificates = tls.certificates(settings.state / "tls")
    proxy = Proxy(
        pool.socket if pool else server.socket,
        iam_authentication(lambda: proxy.port),
        certificates.server_context(),
    )
    await proxy.start(_if_free(wanted.get("proxy")) or 0)
    stack.push_async_callback(proxy.stop)
    # The proxy's port is in every function's environment: the same one again keeps the plan empty.
    ports.write_text(json.dumps({"postgres": server.port, "proxy": proxy.port}))
    return Database(server, proxy, certificates, "pgbouncer" if pool else "none")


def _if_free(port: int | None) -> int | None:
    return port if port and process.is_free(port) else None


def _role_credentials(role_arn: str, session_name: str) -> Credentials:
    access_key, secret, token, _ = sessions.credentials_for(role_arn, session_name)
    return Credentials(access_key, secret, token)


async def _listen(app: web.Application, port: int, stack: AsyncExitStack) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, LOOPBACK, port).start()
