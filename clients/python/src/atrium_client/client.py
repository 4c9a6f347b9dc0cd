"""The clients: `Atrium` for ordinary programs, `AsyncAtrium` for asyncio."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import httpx

from atrium_client import hosted_page
from atrium_client.caller import call
from atrium_client.flow import AsyncRunner, Flow, Runner
from atrium_client.hosted_page import HostedSignIn
from atrium_client.operations import AsyncOperations, Operations
from atrium_client.tokens import InMemory, Session, Tokens, TokenStore
from atrium_client.types import Configuration
from atrium_client.user_pool import FurtherChallenge, UserPool

TIMEOUT = 35.0  # seconds; the gateway answers after 29 at the latest


@dataclass(frozen=True)
class Question:
    """A question that Cognito asks after the password, such as `SOFTWARE_TOKEN_MFA`."""

    name: str
    answer: "Callable[[Mapping[str, str]], Question | None]"


@dataclass(frozen=True)
class AsyncQuestion:
    """A question that Cognito asks after the password; its answer is awaited."""

    name: str
    _client: "AsyncAtrium"
    _challenge: FurtherChallenge

    async def answer(self, responses: Mapping[str, str]) -> "AsyncQuestion | None":
        return await self._client._signed_in(self._challenge.answer(responses))


class Atrium(Operations):
    """Calls of the API as the signed-in person. Errors are raised as ApiError."""

    def __init__(self, runner: Runner, configuration: Configuration, store: TokenStore) -> None:
        self.configuration = configuration
        self._pool = UserPool(configuration)
        self.session = Session(self._pool, store)
        super().__init__(runner, self.session)

    @classmethod
    def connect(
        cls, address: str, *, tokens: TokenStore | None = None, http: httpx.Client | None = None
    ) -> Self:
        """Return a client of the API at `address`, whose configuration has all other settings."""
        runner = Runner(http or httpx.Client(timeout=TIMEOUT))
        runner.http.base_url = httpx.URL(address)
        configuration = runner.run(call(runner.http, None, "GET", "/v1/configuration"))
        return cls(runner, configuration, tokens or InMemory())

    def sign_in(self, email: str, password: str) -> Question | None:
        """Sign in by SRP. Return None, or Cognito's next question."""
        return self._signed_in(self._pool.sign_in(email, password))

    def sign_in_on_page(self, redirect: str) -> None:
        """Sign in on the user pool's page, in this machine's browser.

        `redirect` is one of the client's callback addresses, such as `http://localhost:8400/`.
        """
        sign_in = HostedSignIn(self.configuration, redirect)
        self.finish_sign_in(sign_in, hosted_page.in_browser(sign_in))

    def finish_sign_in(self, sign_in: HostedSignIn, returned: str) -> None:
        """End a sign-in that the program itself has sent to the page."""
        self.session.start(self._runner.run(sign_in.finish(returned)))

    def sign_out(self) -> None:
        self._runner.run(self.session.end())

    def _signed_in(self, flow: Flow[Tokens | FurtherChallenge]) -> Question | None:
        outcome = self._runner.run(flow)
        if isinstance(outcome, FurtherChallenge):
            return Question(
                outcome.name, lambda responses: self._signed_in(outcome.answer(responses))
            )
        self.session.start(outcome)
        return None


class AsyncAtrium(AsyncOperations):
    """Calls of the API as the signed-in person, for asyncio."""

    def __init__(
        self, runner: AsyncRunner, configuration: Configuration, store: TokenStore
    ) -> None:
        self.configuration = configuration
        self._pool = UserPool(configuration)
        self.session = Session(self._pool, store)
        super().__init__(runner, self.session)

    @classmethod
    async def connect(
        cls,
        address: str,
        *,
        tokens: TokenStore | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> Self:
        """Return a client of the API at `address`, whose configuration has all other settings."""
        runner = AsyncRunner(http or httpx.AsyncClient(timeout=TIMEOUT))
        runner.http.base_url = httpx.URL(address)
        configuration = await runner.run(call(runner.http, None, "GET", "/v1/configuration"))
        return cls(runner, configuration, tokens or InMemory())

    async def sign_in(self, email: str, password: str) -> AsyncQuestion | None:
        """Sign in by SRP. Return None, or Cognito's next question."""
        return await self._signed_in(self._pool.sign_in(email, password))

    async def sign_in_on_page(self, redirect: str) -> None:
        """Sign in on the user pool's page, in this machine's browser."""
        sign_in = HostedSignIn(self.configuration, redirect)
        await self.finish_sign_in(sign_in, await asyncio.to_thread(hosted_page.in_browser, sign_in))

    async def finish_sign_in(self, sign_in: HostedSignIn, returned: str) -> None:
        """End a sign-in that the program itself has sent to the page."""
        self.session.start(await self._runner.run(sign_in.finish(returned)))

    async def sign_out(self) -> None:
        await self._runner.run(self.session.end())

    async def _signed_in(self, flow: Flow[Tokens | FurtherChallenge]) -> AsyncQuestion | None:
        outcome = await self._runner.run(flow)
        if isinstance(outcome, FurtherChallenge):
            return AsyncQuestion(outcome.name, self, outcome)
        self.session.start(outcome)
        return None
