"""A small repository, deployed as by `make up` but without Terraform, with `make dev` watching it."""

import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from aiohttp import web

from local_aws.api_gateway import CognitoAuthorizer, RestApis, create_server
from local_aws.console.recorder import Recorder
from local_aws.settings import ACCOUNT_ID, LOOPBACK
from local_aws.supervisor.observations import Observations
from local_aws.supervisor.request_log import RequestLog
from local_aws_tests.lambda_service.laptop import REGION, ROLE, ROOT, Laptop, Loop, laptop
from tools.bootstrap import RUNTIME
from tools.laptop.dev.hot_reload import HotReload
from tools.laptop.dev.session import Session

WAIT_SECONDS = 120.0

FILES = {
    "functions/notes/__init__.py": "",
    "functions/notes/function.yaml": "description: Notes\ntrigger: api\n",
    "functions/notes/handler.py": """\
from atrium.api import api
from notes import note

ROUTES = {"GET /v1/notes": note.read}
handler = api(__package__, ROUTES)
""",
    "functions/notes/note.py": """\
from atrium.http import response


def read(request):
    return response.json({"text": "as deployed"})
""",
    "functions/notes/openapi.yaml": """\
paths:
  /v1/notes:
    get:
      operationId: readNotes
      summary: Read the notes
      security: []
      x-atrium-allow: [public]
      responses:
        200: {description: They are}
""",
    "functions/door/__init__.py": "",
    "functions/door/function.yaml": "description: May this person enter\ntrigger: cognito.PreSignUp\n",
    "functions/door/handler.py": """\
from atrium.identity.cognito_trigger import RefusalError, TriggerEvent, trigger


def admit(event):
    if event.trigger_source == "PreSignUp_Refused":
        raise RefusalError("Not you")
    return {"autoConfirmUser": True}


handler = trigger(TriggerEvent, admit)
""",
}


@dataclass
class Checkout:
    root: Path
    aws: Laptop
    api_url: str
    aws_url: str
    reload: HotReload
    output: StringIO
    read: int = 0  # number of its characters that were read

    def save(self, path: str, content: str) -> None:
        """Replace a file below functions/ atomically.

        test_watch.py tests editors that write in several steps.
        """
        file = self.root / "functions" / path
        written = file.with_name(f".{file.name}.swp")
        written.write_text(content)
        written.replace(file)

    def get(self, path: str = "/v1/notes") -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.api_url + path) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def shown(self, pattern: str) -> str:
        """Return the output since the last call, once it contains `pattern`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(pattern, self.output.getvalue()[self.read :]):
            assert time.monotonic() < deadline, (
                f"{pattern!r} was not shown, but:\n{self.output.getvalue()[self.read :]}"
            )
            time.sleep(0.02)
        time.sleep(0.05)  # wait for the rest of its lines
        text = self.output.getvalue()[self.read :]
        self.read += len(text)
        return text

    def forget_shown(self) -> None:
        self.read = len(self.output.getvalue())


@contextmanager
def checkout(root: Path) -> Iterator[Checkout]:
    """Deploy the repository, and watch it in a session that writes to `output`."""
    _lay_out(root)
    observations, loop = Observations(RequestLog(), Recorder()), Loop()
    with laptop(loop, root, RUNTIME, on_invoked=observations.invoked) as aws:
        pages = web.Application()
        pages.add_routes([*aws.functions.routes(), *observations.routes()])
        pages_runner, pages_port = loop.run(aws.listen(web.AppRunner(pages)))
        apis = RestApis()
        aws.interceptors["apigateway"] = apis.intercept
        deployed = {name: f"atrium-dev-{name}" for name in ("notes", "door")}
        _deploy(root, aws, deployed)
        authorizer = CognitoAuthorizer(jwks=lambda _: [], issuer=str)

        async def listen() -> tuple[web.ServerRunner, int]:
            server = create_server(apis, aws.functions, authorizer, observations.answered)
            return await aws.listen(web.ServerRunner(server))

        api_runner, api_port = loop.run(listen())
        aws_url = f"http://{LOOPBACK}:{pages_port}"
        output = StringIO()
        reload = HotReload(root, deployed, aws.client("lambda"), aws_url)
        session = threading.Thread(target=Session(root, reload, deployed, aws_url, output).run)
        session.start()
        made = Checkout(root, aws, f"http://{LOOPBACK}:{api_port}", aws_url, reload, output)
        made.shown("Ctrl-C")
        try:
            yield made
        finally:
            loop.loop.call_soon_threadsafe(observations.close)
            session.join(WAIT_SECONDS)
            loop.run(api_runner.cleanup())
            loop.run(pages_runner.cleanup())
    loop.close()
    assert not session.is_alive()


def _lay_out(root: Path) -> None:
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    # declares tables of other services
    personal_data = shutil.ignore_patterns("personal-data.yaml")
    shutil.copytree(ROOT / "functions/atrium", root / "functions/atrium", ignore=personal_data)
    (root / "requirements").mkdir()
    # Of the layers' packages, only the one that these functions import.
    [msgspec] = re.findall(
        r"^msgspec==[^\n]*(?:\n +[^\n]*)*", (ROOT / "requirements/kernel.txt").read_text(), re.M
    )
    (root / "requirements/kernel.txt").write_text(msgspec + "\n")
    (root / "requirements/sdk.txt").write_text("# none\n")
    built = [sys.executable, "-m", "tools.build", "--local", "--root", str(root)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)


def _deploy(root: Path, aws: Laptop, deployed: dict[str, str]) -> None:
    client = aws.client("lambda")
    layer = client.publish_layer_version(
        LayerName="atrium-dev-kernel",
        Description="Terraform's",
        Content=_zip(root / "build/layer/local/kernel.zip"),
    )
    for folder, name in deployed.items():
        client.create_function(
            FunctionName=name, Runtime="python3.13", Role=ROLE, Handler=f"{folder}.handler.handler", Publish=True,
            Code=_zip(root / f"build/functions/{folder}.zip"), Layers=[layer["LayerVersionArn"]], Timeout=5,
            Environment={"Variables": {"ATRIUM_SERVICE": folder, "ATRIUM_STAGE": "dev"}},
        )  # fmt: skip
        client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:atrium-dev-notes:live"
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    body = (root / "build/gateway.json").read_text().replace('${invoke_arns["notes"]}', uri)
    gateway = aws.client("apigateway")
    api_id = gateway.create_rest_api(name="atrium")["id"]
    body = re.sub(r"\$\{invoke_arns\[[^]]*\]\}", uri, body).replace(
        "${user_pool_arn}", "arn:aws:cognito-idp:x:1:userpool/x"
    )
    body = body.replace("${problem_types}", "/docs/errors.html#")
    gateway.put_rest_api(restApiId=api_id, mode="overwrite", body=body)
    deployment = gateway.create_deployment(restApiId=api_id)["id"]
    gateway.create_stage(restApiId=api_id, stageName="dev", deploymentId=deployment)
    client.add_permission(
        FunctionName="atrium-dev-notes", Qualifier="live", StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{api_id}/*/*",
    )  # fmt: skip


def _zip(path: Path) -> dict[str, bytes]:
    return {"ZipFile": path.read_bytes()}
