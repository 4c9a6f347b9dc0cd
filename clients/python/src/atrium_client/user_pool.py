"""The client of a Cognito user pool. It needs no AWS credentials, and its client has no secret."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from atrium_client.flow import Flow
from atrium_client.srp import Srp
from atrium_client.tokens import Tokens
from atrium_client.types import Configuration


class SignInError(Exception):
    """A refusal of the user pool; `code` is Cognito's, such as `NotAuthorizedException`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class FurtherChallenge:
    """A question that Cognito asks after the password: a code, or a new password."""

    name: str
    answer: Callable[[Mapping[str, str]], "Flow[Tokens | FurtherChallenge]"]


class UserPool:
    """Sends the requests of a sign-in to the pool that the configuration names."""

    def __init__(self, configuration: Configuration) -> None:
        issuer, client = configuration["issuer"], configuration["client_id"]
        pool = configuration["user_pool_id"]
        if not (issuer and client and pool):
            raise ValueError("This API has no user pool.")
        self._endpoint = httpx.URL(issuer).join("/")
        self._client = client
        self._name = pool.partition("_")[2]

    def sign_in(self, email: str, password: str) -> Flow[Tokens | FurtherChallenge]:
        """Sign in by SRP: the password does not leave this machine."""
        srp = Srp()
        started = yield from self._call(
            "InitiateAuth",
            ClientId=self._client,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": email, "SRP_A": f"{srp.public:x}"},
        )
        if started.get("ChallengeName") != "PASSWORD_VERIFIER":
            return self._outcome(started, email)
        responses = srp.answer(self._name, password, started["ChallengeParameters"])
        return (yield from self._respond("PASSWORD_VERIFIER", responses, started.get("Session")))

    def refresh(self, refresh_token: str) -> Flow[Tokens | None]:
        """Return new tokens; None if the refresh token is revoked or too old."""
        try:
            answer = yield from self._call(
                "GetTokensFromRefreshToken", ClientId=self._client, RefreshToken=refresh_token
            )
        except SignInError as refused:
            if refused.code == "NotAuthorizedException":
                return None
            raise
        return _tokens(answer["AuthenticationResult"], refresh_token)

    def revoke(self, refresh_token: str) -> Flow[None]:
        yield from self._call("RevokeToken", ClientId=self._client, Token=refresh_token)

    def _respond(
        self, name: str, responses: Mapping[str, str], session: str | None
    ) -> Flow[Tokens | FurtherChallenge]:
        answer = yield from self._call(
            "RespondToAuthChallenge",
            ClientId=self._client,
            ChallengeName=name,
            ChallengeResponses=dict(responses),
            **({"Session": session} if session else {}),
        )
        return self._outcome(answer, responses["USERNAME"])

    def _outcome(self, answer: Mapping[str, Any], username: str) -> Tokens | FurtherChallenge:
        if result := answer.get("AuthenticationResult"):
            return _tokens(result)
        name, session = answer["ChallengeName"], answer.get("Session")
        return FurtherChallenge(
            name,
            lambda responses: self._respond(name, {"USERNAME": username, **responses}, session),
        )

    def _call(self, operation: str, **body: object) -> Flow[dict[str, Any]]:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        }
        response: httpx.Response = yield httpx.Request(
            "POST", self._endpoint, headers=headers, json=body
        )
        answer = json_of(response)
        if response.is_success:
            return answer
        code = str(answer.get("__type", "")).rpartition("#")[2] or f"http_{response.status_code}"
        raise SignInError(code, answer.get("message") or f"Cognito answered {response.status_code}")


def json_of(response: httpx.Response) -> dict[str, Any]:
    """Return the body, or nothing for an empty one and for a proxy's page."""
    try:
        answer = response.json() if response.content else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _tokens(result: Mapping[str, Any], refresh_token: str | None = None) -> Tokens:
    return Tokens(
        access=result["AccessToken"],
        refresh=result.get("RefreshToken", refresh_token),
        expires_at=time.time() + result["ExpiresIn"],
    )
