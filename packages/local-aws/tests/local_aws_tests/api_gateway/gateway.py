"""A REST API deployed over boto3 and served over HTTP, with a Cognito pool of our own keys."""

import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from local_aws.api_gateway import CognitoAuthorizer, RestApis, create_server
from local_aws.api_gateway.static_pages import StaticPages
from local_aws.settings import ACCOUNT_ID, LOOPBACK
from local_aws_tests.lambda_service.laptop import REGION, Laptop

POOL = f"{REGION}_Pool12345"
OTHER_POOL = f"{REGION}_Other6789"
KEYS = {pool: RSAKey.generate_key(2048, {"kid": f"key-of-{pool}"}) for pool in (POOL, OTHER_POOL)}

# The function behind most routes. It follows the instructions in the request's body, or returns its
# event.
PUPPET = """
import json, time
def handler(event, context):
    if not event["body"] or "echo" in (event["queryStringParameters"] or {}) or event["isBase64Encoded"]:
        return {"statusCode": 200, "body": json.dumps(event)}
    told = json.loads(event["body"])
    if told == "raise": raise ValueError("as told")
    if told == "sleep": time.sleep(60)
    if told and "body of" in told: return {"statusCode": 200, "body": told["body of"] * "x"}
    return told
"""


# A function that reports its start and then waits until the test lets it end.
GATED = """
import json, os, time
def handler(event, context):
    began, may_end = json.loads(event["body"])
    open(began, "w").close()
    while not os.path.exists(may_end): time.sleep(0.02)
    return {"statusCode": 200}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    def __init__(self, aws: Laptop) -> None:
        self.aws = aws
        self.apis = RestApis()
        self.pages = aws.settings.root / "pages"  # tests write into it
        self.lines: list[str] = []
        self.now = time.time()  # the clock of the limits
        aws.interceptors["apigateway"] = self.apis.intercept
        for name in ("puppet", "unpermitted"):
            aws.deploy(name, PUPPET, Publish=True)
            aws.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        client = aws.client("apigateway")
        self.api_id = client.create_rest_api(name="atrium")["id"]
        aws.deploy("gated", GATED, Timeout=60)
        for target in ({"FunctionName": "puppet", "Qualifier": "live"}, {"FunctionName": "gated"}):
            aws.client("lambda").add_permission(
                StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{self.api_id}/*/*", **target,
            )  # fmt: skip
        self.deploy(body())
        authorizer = CognitoAuthorizer(
            jwks=lambda pool: [KEYS[pool].as_dict(private=False)], issuer=issuer
        )
        self._runner, self.port = aws.loop.run(self._listen(authorizer))

    async def _listen(self, authorizer: CognitoAuthorizer) -> tuple[web.ServerRunner, int]:
        server = create_server(
            self.apis,
            self.aws.functions,
            authorizer,
            lambda each: self.lines.append(str(each)),
            lambda: self.now,
            (
                StaticPages("/docs", self.pages, "Build the pages first."),
                StaticPages("/other", self.pages / "other"),
            ),
        )
        return await self.aws.listen(web.ServerRunner(server))

    def close(self) -> None:
        self.aws.loop.run(self._runner.cleanup())

    def deploy(self, document: dict[str, Any], stage: str = "dev") -> None:
        """Import and deploy a body, then move the stage, as Terraform does."""
        client = self.aws.client("apigateway")
        client.put_rest_api(restApiId=self.api_id, mode="overwrite", body=json.dumps(document))
        deployment = client.create_deployment(restApiId=self.api_id)["id"]
        if stage in [
            item["stageName"] for item in client.get_stages(restApiId=self.api_id)["item"]
        ]:
            move = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
            client.update_stage(restApiId=self.api_id, stageName=stage, patchOperations=move)
        else:
            client.create_stage(
                restApiId=self.api_id,
                stageName=stage,
                deploymentId=deployment,
                variables={"color": "green"},
            )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Sequence[tuple[str, str | bytes]] | None = None,
    ) -> Answer:
        """Send a request; a body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        content = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        connection.putrequest(method, path)
        for name, value in headers or []:
            connection.putheader(name, value)
        if content:
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content or None)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def told(self, answer: object) -> Answer:
        """Return the client's answer when the function returns this."""
        return self.call("POST", "/v1/things", answer)


def issuer(pool_id: str) -> str:
    return f"https://cognito-idp.{REGION}.amazonaws.com/{pool_id}"


def token(pool: str = POOL, *, key: RSAKey | None = None, **claims: Any) -> str:
    """Return a valid access token, changed by `claims`."""
    now = int(time.time())
    content = {
        "iss": issuer(pool), "sub": "f00d", "token_use": "access", "scope": "openid atrium/me", "exp": now + 300,
        "iat": now, "auth_time": now, "client_id": "any",
    } | claims  # fmt: skip
    return jwt.encode({"alg": "RS256", "kid": f"key-of-{pool}"}, content, key or KEYS[pool])


def lambda_proxy(function: str) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function}"
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return {
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    }


def mock(status: int, headers: dict[str, str], template: str, **more: Any) -> dict[str, Any]:
    answer = {
        "statusCode": str(status),
        "responseParameters": {
            f"method.response.header.{name}": value for name, value in headers.items()
        },
        "responseTemplates": {"application/json": template},
    }
    integration = {
        "type": "mock",
        "requestTemplates": {"application/json": json.dumps({"statusCode": status})},
        "responses": {"default": answer},
    }
    return {"responses": {}, "x-amazon-apigateway-integration": integration | more}


def body() -> dict[str, Any]:
    """Return a body in the form of the builder's gateway.json after `templatefile`."""
    puppet, gated = lambda_proxy("puppet:live"), lambda_proxy("gated")
    allow = {"Allow": "'GET,POST'", "Content-Type": "'application/problem+json'"}
    not_allowed = mock(405, allow, '{"status":405,"request_id":"$context.requestId"}')
    preflight = mock(204, {"Access-Control-Allow-Origin": "'*'"}, "", passthroughBehavior="never")
    me = [{"cognito": ["atrium/me", "atrium/admin"]}]
    problem = {
        "application/json": '{"detail":$context.error.messageString,"request_id":"$context.requestId"}'
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": "atrium", "version": "1"},
        "paths": {
            "/v1/things": {"get": puppet, "post": puppet, "put": puppet, "options": preflight,
                           "x-amazon-apigateway-any-method": not_allowed},
            "/v1/things/{id}": {"parameters": [{"name": "id", "in": "path"}], "get": puppet},
            "/v1/things/special": {"get": puppet},
            "/v1/files/list": {"get": puppet},
            "/v1/files/{name}/meta": {"get": puppet},
            "/v1/files/{path+}": {"x-amazon-apigateway-any-method": puppet},
            "/v1/me": {"get": puppet | {"security": me}},
            "/v1/profile": {"get": puppet | {"security": [{"cognito": []}]}},
            "/v1/keyed": {"get": puppet | {"security": [{"api_key": []}]}, "put": puppet | {"security": [{"api_key": []}]}},
            "/v1/keyed/me": {"get": puppet | {"security": [*me, {"api_key": []}], "operationId": "keyedMe"}},
            "/v1/unpermitted": {"get": lambda_proxy("unpermitted:live")},
            "/v1/slow": {"post": {"x-amazon-apigateway-integration":
                                  puppet["x-amazon-apigateway-integration"] | {"timeoutInMillis": 500}}},
            "/v1/gated": {"post": gated},
            "/v1/gated/briefly": {"post": {"x-amazon-apigateway-integration":
                                           gated["x-amazon-apigateway-integration"] | {"timeoutInMillis": 50}}},
            "/v1/got": {"get": {"x-amazon-apigateway-integration":
                                puppet["x-amazon-apigateway-integration"] | {"httpMethod": "GET"}}},
        },
        "components": {"securitySchemes": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}, "cognito": {
            "type": "apiKey", "name": "Authorization", "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {
                "type": "cognito_user_pools",
                "providerARNs": [f"arn:aws:cognito-idp:{REGION}:{ACCOUNT_ID}:userpool/{POOL}"],
            },
        }}},
        "x-amazon-apigateway-binary-media-types": ["image/*"],
        "x-amazon-apigateway-gateway-responses": {
            "MISSING_AUTHENTICATION_TOKEN": {"statusCode": 404, "responseTemplates": problem, "responseParameters": {
                "gatewayresponse.header.Content-Type": "'application/problem+json'"}},
            "UNAUTHORIZED": {"responseTemplates": problem, "responseParameters": {
                "gatewayresponse.header.WWW-Authenticate": "'Bearer'"}},
            "DEFAULT_5XX": {"responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}},
        },
    }  # fmt: skip
