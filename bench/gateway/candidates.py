"""The three candidates, each of which runs between `__enter__` and `__exit__`."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from local_aws.settings import ACCOUNT_ID, Settings
from local_aws.supervisor import ready as supervisor
from tools.deploy.stack_outputs import Outputs
from tools.laptop.stack import aws
from tools.laptop.stack.show import access_token

PEER = Path(__file__).with_name("peer")
SERVERLESS = PEER / "node_modules" / "serverless" / "bin" / "serverless.js"
NAME = "bench-gateway"
WORKERS = 10  # the most workers that a function has on the laptop
_SCOPE = "atrium/me"


@dataclass(frozen=True)
class Target:
    """A candidate's address, and the process whose descendants belong to it."""

    port: int
    path: str
    headers: dict[str, str]
    process: int

    def request(self) -> bytes:
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"GET {self.path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n{fields}\r\n".encode()


class Candidate(ABC):
    name: str

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @property
    @abstractmethod
    def target(self) -> Target: ...


class Program(Candidate):
    """A candidate that runs as a separate program."""

    def __init__(
        self, name: str, command: list[str], port: int, path: str, cwd: Path | None = None
    ) -> None:
        self.name = name
        self._command, self._port, self._path, self._cwd = command, port, path, cwd

    def __enter__(self) -> Self:
        self._programs = TemporaryDirectory()
        (Path(self._programs.name) / "python3.11").symlink_to(
            sys.executable
        )  # the path in serverless.yml
        environment = {
            "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off",
            "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
            "PATH": f"{self._programs.name}:{os.environ['PATH']}",
        }  # fmt: skip
        self._process = subprocess.Popen(
            self._command, cwd=self._cwd, env=os.environ | environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._programs.cleanup()

    @property
    def target(self) -> Target:
        return Target(self._port, self._path, {}, self._process.pid)


def ceiling(port: int) -> Program:
    return Program(
        "ceiling",
        [sys.executable, "-m", "bench.gateway.ceiling", str(port), str(WORKERS)],
        port,
        "/hello",
    )


def serverless_offline(port: int) -> Program:
    ports = ["--httpPort", str(port), "--lambdaPort", str(port + 1), "--albPort", str(port + 2)]
    command = ["node", str(SERVERLESS), "offline", *ports, "--noPrependStageInUrl"]
    return Program("serverless-offline", command, port, "/hello", PEER)


class Atrium(Candidate):
    """An API and a function on the running stack, made and deleted by boto3."""

    name = "atrium"

    def __init__(self, settings: Settings, outputs: Outputs) -> None:
        self._settings, self._outputs = settings, outputs
        clients = [
            aws.client(each, settings, outputs.region)
            for each in ("iam", "lambda", "apigateway", "logs")
        ]
        self._iam, self._lambda, self._api, self._logs = clients

    def __enter__(self) -> Self:
        self._delete()
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = self._iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=document)["Role"][
            "Arn"
        ]
        self._logs.create_log_group(logGroupName=f"/aws/lambda/{NAME}")
        function = self._lambda.create_function(
            FunctionName=NAME, Runtime="python3.13", Role=role, Handler="handler.handler", MemorySize=256, Timeout=10,
            Code={"ZipFile": _zipped(PEER / "handler.py")},
        )["FunctionArn"]  # fmt: skip
        self._id = str(self._api.create_rest_api(name=NAME)["id"])
        self._lambda.add_permission(
            FunctionName=NAME, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{self._outputs.region}:{ACCOUNT_ID}:{self._id}/*/*",
        )  # fmt: skip
        self._api.put_rest_api(
            restApiId=self._id, mode="overwrite", body=json.dumps(self._body(function))
        )
        self._api.create_deployment(restApiId=self._id, stageName="bench")
        return self

    def __exit__(self, *_: object) -> None:
        self._delete()

    @property
    def target(self) -> Target:
        running = supervisor.running(self._settings)
        assert running
        token = access_token(self._settings, self._outputs)
        path = f"/restapis/{self._id}/bench/_user_request_/hello"
        return Target(
            self._settings.api_port, path, {"Authorization": f"Bearer {token}"}, running.pid
        )

    def _body(self, function: str) -> dict[str, Any]:
        region = self._outputs.region
        uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
        pool = f"arn:aws:cognito-idp:{region}:{ACCOUNT_ID}:userpool/{self._outputs.user_pool_id}"
        integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
        scheme = {
            "type": "apiKey", "name": "Authorization", "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [pool]},
        }  # fmt: skip
        get = {"security": [{"cognito": [_SCOPE]}], "x-amazon-apigateway-integration": integration}
        return {
            "openapi": "3.0.1",
            "info": {"title": NAME, "version": "1"},
            "paths": {"/hello": {"get": get}},
            "components": {"securitySchemes": {"cognito": scheme}},
        }

    def _delete(self) -> None:
        """Delete the API and the function, also those that an interrupted run has left."""
        for api in self._api.get_rest_apis(limit=500)["items"]:
            if api["name"] == NAME:
                self._api.delete_rest_api(restApiId=api["id"])
        for call, arguments in (
            (self._lambda.delete_function, {"FunctionName": NAME}),
            (self._logs.delete_log_group, {"logGroupName": f"/aws/lambda/{NAME}"}),
            (self._iam.delete_role, {"RoleName": NAME}),
        ):
            try:
                call(**arguments)
            except (
                self._lambda.exceptions.ResourceNotFoundException,
                self._logs.exceptions.ResourceNotFoundException,
                self._iam.exceptions.NoSuchEntityException,
            ):
                continue


def _zipped(file: Path) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(file.name, file.read_text())
    return content.getvalue()
