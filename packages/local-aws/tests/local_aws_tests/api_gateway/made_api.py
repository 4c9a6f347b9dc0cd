"""An API created by single calls, as by Terraform without an OpenAPI body."""

from typing import Any

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import (
    POOL,
    Answer,
    Gateway,
    lambda_proxy,
)
from local_aws_tests.lambda_service.laptop import REGION

MODEL = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}},
}


AUTHORIZER = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT_ID}:userpool/{POOL}"


class MadeApi:
    """An API that is created call by call."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        self.gateway, self.client = gateway, gateway.aws.client("apigateway")
        self.id = self.client.create_rest_api(name=name)["id"]
        self.root = self.client.get_resources(restApiId=self.id)["items"][0]["id"]
        gateway.aws.client("lambda").add_permission(
            StatementId=f"api-{self.id}", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{self.id}/*/*", FunctionName="puppet", Qualifier="live",
        )  # fmt: skip

    def resource(self, part: str, parent: str | None = None) -> str:
        made = self.client.create_resource(
            restApiId=self.id, parentId=parent or self.root, pathPart=part
        )
        return str(made["id"])

    def method(
        self,
        resource: str,
        verb: str,
        uri: str | None = None,
        credentials: str | None = None,
        **options: Any,
    ) -> None:
        names = {"restApiId": self.id, "resourceId": resource, "httpMethod": verb}
        self.client.put_method(**names, **({"authorizationType": "NONE"} | options))
        proxy = lambda_proxy("puppet:live")["x-amazon-apigateway-integration"]["uri"]
        role = {"credentials": credentials} if credentials else {}
        self.client.put_integration(
            **names, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri or proxy, **role
        )

    def deploy(self, stage: str, **options: Any) -> None:
        self.client.create_deployment(restApiId=self.id, stageName=stage, **options)

    def call(
        self, stage: str, method: str, path: str, body: object = None, headers: Any = None
    ) -> Answer:
        return self.gateway.call(
            method, f"/restapis/{self.id}/{stage}/_user_request_{path}", body, headers
        )
