"""The supervisor's process, which runs every service. Its children end with it."""

import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop
from aiohttp import web

from local_aws.api_gateway.app import create_server as create_api
from local_aws.api_gateway.authorizer import CognitoAuthorizer
from local_aws.api_gateway.control import RestApis
from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.cognito.endpoint import Cognito
from local_aws.console import aws_spans
from local_aws.console.accounts import Accounts
from local_aws.console.items import Items
from local_aws.console.map import Map
from local_aws.console.pages import Console
from local_aws.console.recorder import Recorder
from local_aws.console.refusals import Refusals
from local_aws.console.requests import Requests
from local_aws.console.sql import Database
from local_aws.control_plane import account_facts, endpoint, mails, security_group_use
from local_aws.control_plane.coverage import Coverage
from local_aws.control_plane.moto_app import Moto
from local_aws.database import rds
from local_aws.database.binaries import PostgresNotFoundError
from local_aws.database.leftover_logs import LeftoverLogs
from local_aws.database.pgbouncer import PgbouncerError
from local_aws.database.postgres import PostgresError
from local_aws.dynamodb import DynamoDb
from local_aws.event_sources import EventSources
from local_aws.faults import Dependency, Faults
from local_aws.faults import page as faults_page
from local_aws.faults.aws_calls import FaultGate
from local_aws.iam import record, sessions
from local_aws.iam.gate import IamGate
from local_aws.lambda_service import Credentials, LambdaService
from local_aws.network import NetworkGate
from local_aws.request_model import RequestModelGate
from local_aws.settings import LOOPBACK, Settings
from local_aws.spans import OpenSpans
from local_aws.supervisor import database, movable_clock, ready
from local_aws.supervisor.function_egress import egress_of
from local_aws.supervisor.movable_clock import MovableClock
from local_aws.supervisor.observations import Observations
from local_aws.supervisor.persistence import Persistence
from local_aws.supervisor.process import GAVE_UP, Launch
from local_aws.supervisor.ready import Running
from local_aws.supervisor.request_log import RequestLog
from local_aws.xray import Daemon, Traces
from local_aws.xray.endpoint import interceptor as xray_interceptor

log = logging.getLogger("local")


def serve(settings: Settings, launch: Launch, clock: MovableClock | None) -> None:
    """Run the local AWS until SIGTERM or SIGINT."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)
    for chatty in ("aiohttp.access", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        asyncio.run(_serve(settings, launch, clock), loop_factory=uvloop.new_event_loop)
    except (PostgresNotFoundError, PostgresError, PgbouncerError, OSError) as error:
        # The command that starts it shows the log from this prefix on.
        sys.exit(f"{GAVE_UP}{error}")


async def _serve(settings: Settings, launch: Launch, clock: MovableClock | None) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        running = await _start(settings, stack, launch, clock)
        # A full garbage collection would else scan all of moto's objects during a request.
        gc.collect()
        gc.freeze()
        ready.write_ready(settings, running)
        log.info("ready: API on %s, AWS on %s", settings.api_url, settings.aws_endpoint_url)
        await stopping.wait()
        log.info("stopping")
    ready.forget_ready(settings)


async def _start(
    settings: Settings, stack: AsyncExitStack, launch: Launch, clock: MovableClock | None
) -> Running:
    """Start the parts in the order of their dependencies; `stack` stops them in reverse."""
    settings.state.mkdir(parents=True, exist_ok=True)
    record.record.to(record.path(settings))
    moto = Moto(settings)
    stack.callback(moto.close)
    persistence = Persistence(settings, moto)
    kept = persistence.load()
    store = kept.store
    stack.callback(store.close)
    faults = Faults()
    spans = OpenSpans()
    data = await database.start(settings, stack, faults, spans)

    recorder = Recorder()
    refusals = Refusals()

    def observe(call: AwsCall, answer: AwsResponse, began: float) -> None:
        aws_spans.note(spans, call, answer, began)
        refusals.note(call, answer)

    observations = Observations(RequestLog(), recorder)
    xray = Daemon(Traces())
    await xray.start()
    stack.callback(xray.close)
    functions = LambdaService(
        settings,
        _role_credentials,
        python=Path(sys._base_executable),  # type: ignore[attr-defined]
        runtime=launch.runtime,
        xray=xray,
        ca_bundle=data.certificates.ca_bundle,
        apart=moto.run,
        egress=egress_of(settings, data.proxy.port, xray.address),
        on_change=persistence.changed,
        clock=clock.path if clock else None,
        on_invoked=observations.invoked,
        spans=spans,
    )
    await functions.start()
    stack.push_async_callback(functions.close)
    sources = EventSources(moto, functions, store, persistence.changed)
    cognito = Cognito(settings, functions.invoke, kept.cognito, faults.clock(Dependency.COGNITO))
    apis = RestApis(kept.apis)
    persistence.keep(cognito, apis, store)
    requests = Requests(recorder)
    reading = Items(store), Database(lambda: data.server, settings.database)
    console = Console(
        (requests, Map(apis, recorder.traffic), refusals, Accounts(), *reading), launch.panels
    )
    # The last save. The exit stack runs callbacks in reverse order. This one is registered after the
    # parts that change state, so it runs before they stop.
    stack.push_async_callback(persistence.save_uncovered)
    stack.callback(asyncio.create_task(persistence.save_changes()).cancel)

    leftover_logs = LeftoverLogs()
    interceptors = {
        "apigateway": apis.intercept,
        "cognito-idp": cognito.intercept,
        "dynamodb": DynamoDb(store).intercept,
        "ec2": security_group_use.intercept,
        "events": sources.intercept_events,
        "lambda": lambda call, forward: sources.intercept(
            call, lambda other: functions.intercept(other, forward)
        ),
        "logs": leftover_logs.intercept,
        "rds": rds.interceptor(data.proxy.port, leftover_logs, data.contents),
        "ses": mails.interceptor(cognito.deliver),
        "xray": xray_interceptor(xray.traces),
    }
    request_model, coverage = RequestModelGate(), Coverage()
    pages = [
        *persistence.watched_pages(cognito.routes()),
        *persistence.routes(),
        *movable_clock.routes(settings, clock.clock if clock else None),
        *faults_page.routes(faults),
        *functions.routes(),
        *observations.routes(),
        *console.routes(),
        *request_model.routes(),
        *coverage.routes(),
    ]
    gate = endpoint.first_refusal(
        FaultGate(faults).check,
        NetworkGate().check,
        IamGate().check,
        request_model.check,
        account_facts.answer,
    )
    aws = endpoint.create_app(
        persistence.watched(coverage.interceptors(interceptors)),
        coverage.forward(persistence.forward),
        coverage.gate(gate),
        pages,
        observe,
    )
    await _listen(web.AppRunner(aws, access_log=None, shutdown_timeout=2), settings.aws_port, stack)
    await sources.start()
    stack.push_async_callback(sources.close)
    api = create_api(
        apis,
        functions,
        CognitoAuthorizer(cognito.key_set, cognito.issuer),
        observations.answered,
        pages=launch.pages,
    )
    await _listen(web.ServerRunner(api, shutdown_timeout=2), settings.api_port, stack)
    stack.callback(observations.close)
    stack.callback(requests.close)
    return Running(
        pid=os.getpid(),
        api_port=settings.api_port,
        aws_port=settings.aws_port,
        postgres_port=data.server.port,
        postgres_version=data.server.version,
        pooling=data.pooling,
        restored=kept.restored,
        notice=kept.notice,
        source=launch.source,
    )


def _role_credentials(role_arn: str, session_name: str) -> Credentials:
    return Credentials(*sessions.credentials_for(role_arn, session_name))


async def _listen(runner: web.BaseRunner, port: int, stack: AsyncExitStack) -> None:
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, LOOPBACK, port).start()
