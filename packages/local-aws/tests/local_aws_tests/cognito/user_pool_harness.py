"""A user pool behind the local AWS endpoint, used with boto3, with triggers that are plain Python
functions.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet

from local_aws.cognito import Cognito, State
from local_aws.control_plane.endpoint import read_call
from local_aws.control_plane.moto_app import Moto
from local_aws.request_model import RequestModelGate
from local_aws.settings import LOOPBACK, Settings

REGION = "eu-central-1"
PASSWORD = "Correct-Horse-7"
EMAIL = "ada@example.org"
FUNCTION_ARN = "arn:aws:lambda:eu-central-1:000000000000:function:{}:live"

Handler = Callable[[dict[str, Any]], Any]


class FunctionError(Exception):
    """A failing trigger, with the report that Lambda would give."""


@dataclass(frozen=True)
class FunctionResult:
    payload: bytes
    function_error: str | None = None


@dataclass
class Functions:
    """A stub of Lambda: the deployed functions and every event they got."""

    deployed: dict[str, Handler] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)

    async def invoke(
        self, function: str, payload: bytes, /, *, source: tuple[str, str]
    ) -> FunctionResult:
        event = json.loads(payload)
        self.events.append(json.loads(payload))
        self.sources.append(source)
        try:
            answer = self.deployed[function](event)
            if asyncio.iscoroutine(answer):
                answer = await answer
        except FunctionError as error:
            return FunctionResult(
                json.dumps({"errorMessage": str(error), "errorType": "Exception"}).encode(),
                "Unhandled",
            )
        return FunctionResult(answer if isinstance(answer, bytes) else json.dumps(answer).encode())


@dataclass
class Clock:
    ahead: float = 0.0
    stopped_at: float | None = None

    def __call__(self) -> float:
        return (self.stopped_at or time.time()) + self.ahead

    def stop(self) -> None:
        """Stop the clock: from now on only `advance` moves it."""
        self.stopped_at = time.time()

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@dataclass
class Server:
    settings: Settings
    cognito: Cognito
    functions: Functions
    clock: Clock
    admin: Any  # signs its calls, as an administrator does
    public: Any  # does not sign, like an app on a phone


def boto3_client(settings: Settings, **config: Any) -> Any:
    return boto3.client(
        "cognito-idp",
        endpoint_url=settings.aws_endpoint_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


class NoKey:
    """A replacement of moto's key, which moto parses for every pool in 0.2 s.

    Without the key, pools are created quickly, and no token that moto signs can be taken for ours.
    """

    @staticmethod
    def import_key(_: object) -> None: ...


@contextmanager
def quick_server(root: Path, gate: RequestModelGate | None = None) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.cognitoidp.models.jwk", SimpleNamespace(RSAKey=NoKey))
        with serve(root, gate) as running:
            yield running


@contextmanager
def serve(root: Path, gate: RequestModelGate | None = None) -> Iterator[Server]:
    """Serve the endpoint in a thread of its own, on a free loopback port."""
    listening = socket.create_server((LOOPBACK, 0))
    settings = Settings(root=root, aws_port=listening.getsockname()[1])
    functions, clock, moto = Functions(), Clock(), Moto(settings)
    cognito = Cognito(settings, functions.invoke, clock=clock)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    thread = threading.Thread(target=_run, args=(loop, _app(cognito, moto, gate), listening, ready))
    thread.start()
    ready.wait()
    admin, public = boto3_client(settings), boto3_client(settings, signature_version=UNSIGNED)
    yield Server(settings, cognito, functions, clock, admin, public)
    admin.close()
    public.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    moto.close()


def _app(cognito: Cognito, moto: Moto, gate: RequestModelGate | None) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        call = await read_call(request)
        assert call is not None
        assert call.service == "cognito-idp"
        refusal = await gate.check(call) if gate is not None else None
        told = refusal or await cognito.intercept(call, moto)
        headers = {
            name: value for name, value in told.headers.items() if name.lower() != "content-length"
        }
        return web.Response(status=told.status, body=told.body, headers=headers)

    app = web.Application()
    app.add_routes(cognito.routes())
    app.router.add_post("/", answer)
    return app


def _run(
    loop: asyncio.AbstractEventLoop,
    app: web.Application,
    listening: socket.socket,
    ready: threading.Event,
) -> None:
    asyncio.set_event_loop(loop)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.SockSite(runner, listening).start())
    loop.call_soon(ready.set)
    loop.run_forever()
    loop.run_until_complete(runner.cleanup())
    loop.close()


POOL: dict[str, Any] = {
    "UsernameAttributes": ["email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    "AutoVerifiedAttributes": ["email"],
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": True,
            "TemporaryPasswordValidityDays": 3,
        }
    },
}
CLIENT: dict[str, Any] = {
    "ExplicitAuthFlows": [
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
    ],
    "AccessTokenValidity": 30,
    "IdTokenValidity": 10,
    "RefreshTokenValidity": 12,
    "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "hours"},
    "PreventUserExistenceErrors": "ENABLED",
}


@dataclass
class UserPoolHarness:
    """A pool and a client."""

    server: Server
    admin: Any
    public: Any
    pool_id: str = ""
    client_id: str = ""

    def create_pool(self, **changes: Any) -> None:
        pool = self.admin.create_user_pool(PoolName="people", **(POOL | changes))
        self.pool_id = pool["UserPool"]["Id"]
        self.client_id = self.create_client()["ClientId"]

    def create_client(self, **changes: Any) -> dict[str, Any]:
        answer = self.admin.create_user_pool_client(
            UserPoolId=self.pool_id, ClientName="app", **(CLIENT | changes)
        )
        created: dict[str, Any] = answer["UserPoolClient"]
        return created

    def deploy(self, trigger: str, handler: Handler, version: str | None = None) -> None:
        """Deploy a function as a trigger of the pool, and keep the other triggers."""
        arn = FUNCTION_ARN.format(trigger)
        self.server.functions.deployed[arn] = handler
        pool = self.admin.describe_user_pool(UserPoolId=self.pool_id)["UserPool"]
        config = dict(pool.get("LambdaConfig") or {})
        if version:
            config["PreTokenGenerationConfig"] = {"LambdaArn": arn, "LambdaVersion": version}
        else:
            config[trigger] = arn
        # An update resets every setting that it omits.
        kept = {name: pool[name] for name in ("Policies", "AutoVerifiedAttributes")}
        self.admin.update_user_pool(UserPoolId=self.pool_id, LambdaConfig=config, **kept)

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.server.functions.events

    def sign_up(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.public.sign_up(
            ClientId=self.client_id, Username=email, Password=password, **more
        )
        return answer

    def confirm(self, email: str = EMAIL, code: str | None = None) -> None:
        self.public.confirm_sign_up(
            ClientId=self.client_id, Username=email, ConfirmationCode=code or self.code(email)
        )

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> dict[str, Any]:
        return self.initiate("USER_PASSWORD_AUTH", USERNAME=email, PASSWORD=password)

    def signed_in(self, email: str = EMAIL) -> dict[str, Any]:
        """Sign up, confirm and sign in a new user. Return the tokens."""
        self.sign_up(email)
        self.confirm(email)
        tokens: dict[str, Any] = self.sign_in(email)["AuthenticationResult"]
        return tokens

    def initiate(self, flow: str, **parameters: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.public.initiate_auth(
            ClientId=self.client_id, AuthFlow=flow, AuthParameters=parameters
        )
        return answer

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.initiate("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh_token)
        return answer

    def require_mfa(self, configuration: str) -> None:
        """Set MFA to `OPTIONAL` or `ON`, with authenticator apps."""
        self.admin.set_user_pool_mfa_config(
            UserPoolId=self.pool_id,
            MfaConfiguration=configuration,
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )

    def app_code(self, secret: str) -> str:
        """Return the current code of the authenticator app."""
        return authenticator_code(secret, self.server.clock())

    def user(self, username: str = EMAIL) -> dict[str, Any]:
        found: dict[str, Any] = self.admin.admin_get_user(
            UserPoolId=self.pool_id, Username=username
        )
        return found | {"Attributes": {a["Name"]: a["Value"] for a in found["UserAttributes"]}}

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/_local/inbox{f'?to={to}' if to else ''}")[1]
        return found

    def code(self, to: str = EMAIL) -> str:
        return str(self.mails(to)[-1]["code"])

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(
                self.server.settings.aws_endpoint_url + path, timeout=60
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token, after a check of its signature with the pool's published
        keys.
        """
        _, published = self.get(f"/{self.pool_id}/.well-known/jwks.json")
        return jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"]).claims


def authenticator_code(secret: str, now: float) -> str:
    """Return the code that an app computes from its base32 secret by RFC 6238."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(now // 30)), hashlib.sha1).digest()
    offset = digest[19] & 15
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return str((number & 0x7FFFFFFF) % 1_000_000).zfill(6)


@contextmanager
def refused(code: str, message: str | None = None, status: int = 400) -> Iterator[None]:
    """Check that the block raises this AWS error. Without a message, any is accepted."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["Error"]["Code"] == code, answer["Error"]
    if message is not None:
        assert answer["Error"]["Message"] == message


def new_harness(server: Server) -> UserPoolHarness:
    """Return a new pool, and reset the server's clock, functions and state."""
    server.functions.deployed.clear()
    server.functions.events.clear()
    server.functions.sources.clear()
    server.clock.ahead, server.clock.stopped_at = 0.0, None
    server.cognito.state = State()
    harness = UserPoolHarness(server, server.admin, server.public)
    harness.create_pool()
    return harness
