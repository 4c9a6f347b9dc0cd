"""Imported OpenAPI bodies, per API and per deployment, because moto drops most of their content."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import yaml
from moto.apigateway.models import apigateway_backends

from local_aws.api_gateway import (
    gateway_response_types,
    resources,
    rest_api_changes,
)
from local_aws.api_gateway.assembled import assembled
from local_aws.api_gateway.body import (
    ANY_METHOD,
    COMPRESSION,
    GATEWAY_RESPONSES,
    INTEGRATION,
    METHODS,
    Body,
)
from local_aws.api_gateway.control_answers import shaped
from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.errors import NotEmulatedError
from local_aws.api_gateway.requirements import require_emulated
from local_aws.api_gateway.stage_changes import InvalidStageError, check_stage
from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.settings import ACCOUNT_ID

_API = re.compile(r"^/restapis/(?P<api>[a-z0-9]+)$")
_DEPLOYMENTS = re.compile(r"^/restapis/(?P<api>[a-z0-9]+)/deployments/?(?P<deployment>[a-z0-9]+)?$")
_RESOURCES = re.compile(r"^/restapis/(?P<api>[a-z0-9]+)/resources/")
_GATEWAY_RESPONSE = re.compile(
    r"^/restapis/(?P<api>[a-z0-9]+)/gatewayresponses/(?P<type>[A-Z0-9_]+)$"
)


@dataclass
class ImportedBodies:
    """Imported bodies.

    They are plain data, so that a snapshot of the stack can pickle them with moto's state.
    """

    drafts: dict[str, Body] = field(default_factory=dict)  # API id -> body as last imported
    deployments: dict[str, dict[str, Body]] = field(
        default_factory=dict
    )  # API id -> deployment id -> body


class RestApis:
    """The REST APIs; `bodies` may be replaced as a whole when a snapshot is loaded."""

    def __init__(self, bodies: ImportedBodies | None = None) -> None:
        self.bodies = bodies or ImportedBodies()
        self._stages: list[DeployedApi] | None = None  # as they are served until the next call

    def deployed(self, api_id: str | None = None, stage: str | None = None) -> DeployedApi | None:
        """Return a stage of this API, or of the first API.

        The stage has this name, or else is the API's first one.
        """
        if self._stages is None:
            self._stages = list(self._served_stages())
        first: DeployedApi | None = None
        for each in self._stages:
            if api_id not in (None, each.api_id) or (first and each.api_id != first.api_id):
                continue
            if stage == each.stage:
                return each
            first = first or each
        return first

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Forward every call to moto, and record the changes of bodies and deployments.

        A call that sets up features that are not emulated is rejected.
        """
        try:
            return await self._answer(call, forward)
        finally:
            self._stages = None

    async def _answer(self, call: AwsCall, forward: Forward) -> AwsResponse:
        body = _imported_body(call)
        try:
            check_stage(call)
            self._check_call(call)
            resources.check(call)
            if (content := resources.changed(call)) is not None:
                answer = AwsResponse(200, json.dumps(content).encode())
                return shaped(call, answer)
        except NotEmulatedError as error:
            return not_emulated(error)
        except InvalidStageError as error:
            return _bad_request(str(error))
        except resources.CallError as error:
            return _refusal(error.status, error.code, error.message)
        if shown := self._gateway_response(call):
            return shown
        response = await forward(_for_moto(call, body) if body is not None else call)
        if response.status < 300:
            self._remember(call, body, response)
            resources.drop_children(call)
            if body is not None:
                response = self._with_compression(call, response)
        return shaped(call, rest_api_changes.completed(call, response))

    def _remember(self, call: AwsCall, body: Body | None, response: AwsResponse) -> None:
        if body is not None:
            api_id = str(json.loads(response.body)["id"])
            merge = parse_qs(call.query).get("mode", [""])[0] == "merge"
            draft = self.bodies.drafts.get(api_id, {}) if merge else {}
            self.bodies.drafts[api_id] = _merged(draft, body)
        elif (match := _DEPLOYMENTS.match(call.path)) and call.method == "POST":
            draft = self._draft(match["api"], call.region)
            self.bodies.deployments.setdefault(match["api"], {})[
                json.loads(response.body)["id"]
            ] = draft
        elif match and call.method == "DELETE":
            self.bodies.deployments.get(match["api"], {}).pop(match["deployment"] or "", None)
        elif (match := _GATEWAY_RESPONSE.match(call.path)) and call.method in ("PUT", "DELETE"):
            self._set_gateway_response(match["api"], match["type"], call)
        elif (match := _API.match(call.path)) and call.method == "DELETE":
            self.bodies.drafts.pop(match["api"], None)
            self.bodies.deployments.pop(match["api"], None)

    def _with_compression(self, call: AwsCall, response: AwsResponse) -> AwsResponse:
        """Let the imported body set the minimum compression size; without one it is cleared."""
        content = json.loads(response.body)
        size = self.bodies.drafts[content["id"]].get(COMPRESSION)
        api = apigateway_backends[ACCOUNT_ID][call.region].apis[content["id"]]
        api.minimum_compression_size = size
        return replace(
            response, body=json.dumps(content | {"minimumCompressionSize": size}).encode()
        )

    def _gateway_response(self, call: AwsCall) -> AwsResponse | None:
        match = gateway_response_types.PATH.match(call.path)
        if match is None or match["api"] not in apigateway_backends[ACCOUNT_ID][call.region].apis:
            return None
        return gateway_response_types.answer(
            call, match["type"], self.bodies.drafts.get(match["api"], {})
        )

    def _check_call(self, call: AwsCall) -> None:
        """Raise `NotEmulatedError` for a deployment that could not be served.

        It is also raised for an API that was both imported and changed by separate calls.
        """
        if (match := _RESOURCES.match(call.path)) and call.method != "GET":
            if "paths" in self.bodies.drafts.get(match["api"], {}):
                raise NotEmulatedError(
                    "changing resources of an imported API. Import the changed body"
                )
        elif (match := _DEPLOYMENTS.match(call.path)) and call.method == "POST":
            require_emulated(self._draft(match["api"], call.region))

    def _draft(self, api_id: str, region: str) -> Body:
        """Return the body as it would be deployed now."""
        draft = copy.deepcopy(self.bodies.drafts.get(api_id, {}))
        api = apigateway_backends[ACCOUNT_ID][region].apis.get(api_id)
        if api is None:
            return draft
        made = draft if "paths" in draft else assembled(api) | draft
        return made | {COMPRESSION: api.minimum_compression_size}

    def _set_gateway_response(self, api_id: str, response_type: str, call: AwsCall) -> None:
        """Change the draft for `aws_api_gateway_gateway_response`.

        The body's own extension has the same effect.
        """
        responses = self.bodies.drafts.setdefault(api_id, {}).setdefault(GATEWAY_RESPONSES, {})
        if call.method == "PUT":
            responses[response_type] = json.loads(call.body or b"{}")
        else:
            responses.pop(response_type, None)

    def _served_stages(self) -> Iterator[DeployedApi]:
        for region, backend in list(apigateway_backends[ACCOUNT_ID].items()):
            for api in list(backend.apis.values()):
                for stage in list(api.stages.values()):
                    deployment_id = stage.deployment_id or ""
                    body = self.bodies.deployments.get(api.id, {}).get(deployment_id)
                    if body is not None:
                        yield DeployedApi(
                            api.id, region, str(stage.name), deployment_id, body,
                            stage.variables, stage.access_log_settings or {}, stage.method_settings,
                        )  # fmt: skip


def _imported_body(call: AwsCall) -> Body | None:
    """Return the OpenAPI document of PutRestApi and ImportRestApi (JSON or YAML).

    Return None for every other call.
    """
    put = call.method == "PUT" and _API.match(call.path)
    imported = (
        call.method == "POST"
        and call.path == "/restapis"
        and "mode=import" in call.query.split("&")
    )
    if not put and not imported:
        return None
    try:
        body = json.loads(call.body)
    except ValueError:
        body = yaml.safe_load(call.body)
    return body if isinstance(body, dict) else {}


def _for_moto(call: AwsCall, body: Body) -> AwsCall:
    """Return the import with only the parts that moto understands.

    moto treats each key of a path as a method, and does not support ANY.
    """
    paths = {path: dict(_moto_methods(item)) for path, item in body.get("paths", {}).items()}
    info = {"title": "api", "description": "", "version": "1"} | body.get("info", {})
    content = json.dumps({"openapi": "3.0.1", "info": info, "paths": paths}).encode()
    query = {key: values[-1] for key, values in parse_qs(call.query).items()} | {
        "failonwarnings": "false"
    }
    headers = dict(call.headers) | {
        "content-length": str(len(content)),
        "content-type": "application/json",
    }
    return replace(call, body=content, query=urlencode(query), headers=headers)


def _moto_methods(path_item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, operation in path_item.items():
        if key in METHODS or key == ANY_METHOD:
            kept = {"responses": operation.get("responses", {})}
            if integration := operation.get(INTEGRATION):
                # moto requires these two fields for a mock too, although it has neither.
                kept[INTEGRATION] = {"uri": "", "httpMethod": "POST"} | integration
            yield "any" if key == ANY_METHOD else key, kept


def not_emulated(error: NotEmulatedError) -> AwsResponse:
    message = f"apigateway: not emulated: {error}. docs/fidelity.md lists what is emulated."
    return _refusal(501, "NotEmulated", message)


def _bad_request(message: str) -> AwsResponse:
    return _refusal(400, "BadRequestException", message)


def _refusal(status: int, code: str, message: str) -> AwsResponse:
    body = json.dumps({"message": message}).encode()
    return AwsResponse(status, body, {"content-type": "application/json", "x-amzn-errortype": code})


def _merged(old: Body, new: Body) -> Body:
    """Merge mappings recursively; other values are replaced."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        merged[key] = (
            _merged(before, value)
            if isinstance(before, dict) and isinstance(value, dict)
            else value
        )
    return merged
