"""A client of the running stack: boto3 for Cognito, HTTP for the API. Tests and benches use it."""

import base64
import json
import urllib.request
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pg8000.native

from local_aws.settings import Settings
from tools.deploy import stack_outputs
from tools.deploy.stack_outputs import Outputs
from tools.laptop.answer import Answer


@dataclass(frozen=True)
class Person:
    """A user who signed up; `tokens` are set after the sign-in."""

    email: str
    password: str
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return self.tokens["AccessToken"]

    @property
    def uid(self) -> str:
        return str(claims(self.token)["uid"])


@dataclass(frozen=True)
class Client:
    """A client of the API and of the user pool."""

    outputs: Outputs
    cognito: Any

    def call(
        self, method: str, path: str, token: str | None = None, body: Any = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(
            self.outputs.api_url + path, data=data, headers=sent, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=35) as response:
                return _answer(response)
        except urllib.error.HTTPError as refused:
            with refused:
                return _answer(refused)

    def sign_up(self, email: str | None = None) -> Person:
        person = Person(
            email or f"ada-{uuid.uuid4().hex[:10]}@example.org", "Correct-Horse-7-Battery"
        )
        self.cognito.sign_up(
            ClientId=self.outputs.user_pool_client_id,
            Username=person.email,
            Password=person.password,
            UserAttributes=[
                {"Name": "email", "Value": person.email},
                {"Name": "given_name", "Value": "Ada"},
                {"Name": "family_name", "Value": "Lovelace"},
            ],
        )
        return person

    def code(self, email: str) -> str:
        """Return the newest code that was mailed to `email`."""
        with urllib.request.urlopen(self.outputs.inbox_url, timeout=35) as response:
            mails = [mail for mail in json.load(response) if mail["to"] == email]
        return str(mails[-1]["code"])

    def confirm(self, person: Person, code: str | None = None) -> None:
        self.cognito.confirm_sign_up(
            ClientId=self.outputs.user_pool_client_id,
            Username=person.email,
            ConfirmationCode=code or self.code(person.email),
        )

    def sign_in(self, person: Person, password: str | None = None) -> Person:
        answer = self.cognito.initiate_auth(
            ClientId=self.outputs.user_pool_client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": person.email, "PASSWORD": password or person.password},
        )
        return Person(person.email, person.password, answer["AuthenticationResult"])

    def new_member(self) -> Person:
        """Return a user who is signed up, confirmed and signed in."""
        person = self.sign_up()
        self.confirm(person)
        return self.sign_in(person)

    def new_holder(self, role: str, permissions: Collection[str]) -> Person:
        """Return a new member who holds a role with these permissions, and a token with that role."""
        person = self.new_member()
        user, definition = f"U#{person.uid}", f"R#{role}"
        granted = {"granted_by": "tests", "granted_at": "2026-01-01T00:00:00.000Z"}
        held = {
            "id": str(uuid.uuid4()),
            "role": role,
            "scope": "*",
            **granted,
            "gsi1pk": f"ROLE#{role}",
            "gsi1sk": user,
        }
        for pk, sk, attributes in (
            *(
                (definition, f"PERM#{permission}", {"permission": permission})
                for permission in permissions
            ),
            (f"G#{person.uid}", f"*#ROLE#{role}", held),
        ):
            item = {
                name: {"S": value} for name, value in {"pk": pk, "sk": sk, **attributes}.items()
            }
            self.aws("dynamodb").put_item(TableName=self.outputs.user_attributes_table, Item=item)
        self.aws("dynamodb").update_item(
            TableName=self.outputs.user_attributes_table,
            Key={"pk": {"S": user}, "sk": {"S": "META"}},
            UpdateExpression="ADD access_epoch :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        return self.sign_in(person)

    def database(self) -> pg8000.native.Connection:
        """Return a direct connection to Postgres as the app role, for a `with` statement."""
        url = urlsplit(self.outputs.database_url)
        return pg8000.native.Connection(
            url.username,
            host=url.hostname,
            port=url.port,
            database=url.path[1:],
            password=url.password,
        )

    def invocations(self, function: str) -> int:
        """Return how often a function was invoked, by the START lines of its log group."""
        logs = self.aws("logs")
        group = f"/aws/lambda/{self.outputs.functions[function]}"
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return sum(
            event["message"].startswith("START ") for page in pages for event in page["events"]
        )

    def aws(self, service: str) -> Any:
        import boto3

        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.outputs.aws_endpoint_url,
            region_name=self.outputs.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  no account has it
        )


def client_of(settings: Settings) -> Client:
    """Return a client of the stack that these settings describe."""
    # Imported late: every test run loads this file, and few of them need the SDK.
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    found = stack_outputs.read(settings)
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    cognito = boto3.client(
        "cognito-idp", endpoint_url=found.aws_endpoint_url, region_name=found.region, config=config
    )
    return Client(found, cognito)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return decoded


def _answer(response: Any) -> Answer:
    return Answer(
        response.status,
        {name.lower(): value for name, value in response.headers.items()},
        response.read(),
    )
