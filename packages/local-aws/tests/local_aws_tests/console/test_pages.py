"""The console's pages and data, over HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
from moto import mock_aws

from local_aws.api_gateway.app import Answered
from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.console.accounts import Accounts
from local_aws.console.panel import Panel
from local_aws.console.recorder import BLOCK, Recorder
from local_aws.console.refusals import Refusals
from local_aws.console.requests import PAGE, Requests
from local_aws.lambda_service import Invoked
from local_aws_tests.console.served import served

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
Ask = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


def asked(ask: Ask) -> None:
    async def run() -> None:
        async with served(Requests(Recorder()), Refusals(), Accounts()) as (session, url):
            await ask(session, url)

    asyncio.run(run())


async def read(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
        assert answer.status == 200
        return await answer.json()


def seen(recorder: Recorder, path: str, status: int = 200, reason: str = "") -> None:
    recorder.answered(Answered("GET", path, status, 1.0, f"id-of-{path}", reason, None))


def test_the_list_is_searched_by_text_and_kind_and_continued() -> None:
    async def run() -> None:
        recorder = Recorder()
        async with served(Requests(recorder)) as (session, url):
            for number in range(PAGE + 5):
                seen(recorder, f"/v1/users/{number}", 500 if number == 3 else 200)
            first = await read(session, f"{url}/requests")
            assert len(first["requests"]) == PAGE
            assert first["more"]
            assert first["requests"][0]["path"] == f"/v1/users/{PAGE + 4}"
            oldest = first["requests"][-1]["number"]
            rest = await read(session, f"{url}/requests?before={oldest}")
            assert [each["number"] for each in rest["requests"]] == [5, 4, 3, 2, 1]
            assert not rest["more"]
            [failed] = (await read(session, f"{url}/requests?kind=failed"))["requests"]
            assert failed["path"] == "/v1/users/3"
            found = (await read(session, f"{url}/requests?text=USERS/17"))["requests"]
            assert {each["path"] for each in found} >= {"/v1/users/17", "/v1/users/170"}
            assert len(found) == 11

    asyncio.run(run())


def test_a_request_is_shown_without_secrets_and_an_unknown_one_is_404() -> None:
    async def run() -> None:
        recorder = Recorder()
        async with served(Requests(recorder)) as (session, url):
            line = json.dumps({"message": "sent", "authorization": f"Bearer {TOKEN}"})
            recorder.invoked(Invoked("f", "id", None, False, 1.0, None, [line, "<b>plain</b>"]))
            page = await read(session, f"{url}/requests/1")
            assert TOKEN not in json.dumps(page)
            assert page["log"][1] == "<b>plain</b>", "the page inserts it as text"
            async with session.get(f"{url}/requests/2") as answer:
                assert answer.status == 404

    asyncio.run(run())


def test_a_new_request_is_an_event() -> None:
    async def run() -> None:
        recorder = Recorder()
        seen(recorder, "/before")
        async with (
            served(Requests(recorder)) as (session, url),
            session.get(f"{url}/events") as events,
        ):
            assert events.content_type == "text/event-stream"
            seen(recorder, "/first")
            assert await _event(events) == ["/first"]
            seen(recorder, "/second")
            seen(recorder, "/third")
            assert await _event(events) == ["/second", "/third"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("last", "shown"),
    [("1", ["/second"]), ("2", ["/third"]), ("900", ["/third"]), ("x", ["/third"])],
)
def test_a_stream_that_was_cut_off_continues_where_it_ended(last: str, shown: list[str]) -> None:
    """Send the newest when the stack was restarted, whose numbers begin at 1 again."""

    async def run() -> None:
        recorder = Recorder()
        seen(recorder, "/first")
        seen(recorder, "/second")
        async with (
            served(Requests(recorder)) as (session, url),
            session.get(f"{url}/events", headers={"Last-Event-ID": last}) as events,
        ):
            if shown == ["/third"]:
                seen(recorder, "/third")
            assert await _event(events) == shown

    asyncio.run(run())


async def _event(events: aiohttp.ClientResponse) -> list[str]:
    """Return the paths of the next event."""
    async with asyncio.timeout(20):
        while not (line := await events.content.readline()).startswith(b"data: "):
            pass
    return [each["path"] for each in json.loads(line.removeprefix(b"data: "))["requests"]]


PATHS = (
    "/", "/requests", "/requests/1", "/log", "/events", "/refusals", "/accounts", "/panels",
    "/console.js",
)  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},  # a frame or a window
        {"Origin": "http://localhost:3000"},
        {"Host": "rebound.example.org"},
    ],
)
def test_requests_from_pages_of_other_sites_are_refused(headers: dict[str, str]) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        is_link = headers.get("Sec-Fetch-Mode") == "navigate"
        for path in PATHS:
            async with session.get(url + path, headers=headers) as answer:
                assert answer.status == (200 if is_link and path == "/" else 403), path

    asked(ask)


def test_the_page_runs_no_script_but_its_own() -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url) as answer:
            assert str(answer.url) == f"{url}/"
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
        for inline_or_foreign in ("<script>", "style=", "://"):
            assert inline_or_foreign not in page
        for name in ("console.js", "console.css", "icon.svg"):
            assert name in page
            async with session.get(f"{url}/{name}") as answer:
                assert answer.status == 200
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for name in ("none.js", "..%2fpages.py", "%2e%2e/pages.py"):
            async with session.get(f"{url}/{name}") as answer:
                assert answer.status in (403, 404)

    asked(ask)


def test_the_logs_of_all_kept_requests_are_searched() -> None:
    async def run() -> None:
        recorder = Recorder()
        async with served(Requests(recorder)) as (session, url):
            for number in range(BLOCK + 2):
                line = f'{{"message":"line {number}","at":"Zürich"}}'
                recorder.invoked(Invoked("f", "id", None, False, 1.0, None, [line, "other"]))
            lines = (await read(session, f"{url}/log?text=LINE%207%22"))["lines"]
            assert [(each["number"], each["path"]) for each in lines] == [(8, "f")]
            newest = (await read(session, f"{url}/log?text=z%C3%BCrich"))["lines"]
            assert len(newest) == PAGE
            assert newest[0]["number"] == BLOCK + 2

    asyncio.run(run())


def test_a_refusal_of_iam_is_listed_once_with_its_reason() -> None:
    async def run() -> None:
        refusals = Refusals()
        message = (
            "User: arn:aws:sts::1:assumed-role/users/users is not authorized to perform: "
            "dynamodb:Scan on resource: arn:aws:dynamodb:eu:1:table/T because no "
            "identity-based policy allows the dynamodb:Scan action"
        )
        call = AwsCall("dynamodb", "POST", "/", "", {}, b"", "eu-central-1", "Scan", "ASIA1")
        for status in (400, 400, 200):
            refusals.note(call, AwsResponse(status, json.dumps({"Message": message}).encode()))
        xml = "<Message>User: me is not authorized to perform: sts:AssumeRole on resource: r</Message>"
        refusals.note(call, AwsResponse(403, xml.encode()))
        async with served(refusals) as (session, url):
            [refusal] = (await read(session, f"{url}/refusals?text=scan"))["refusals"]
            assert (refusal["action"], refusal["times"]) == ("dynamodb:Scan", 2)
            assert refusal["caller"].endswith("/users/users")
            assert refusal["resource"] == "arn:aws:dynamodb:eu:1:table/T"
            assert refusal["reason"].startswith("because no identity-based policy allows")
            [assumed] = (await read(session, f"{url}/refusals?text=AssumeRole"))["refusals"]
            assert (assumed["resource"], assumed["reason"]) == ("r", "")
            assert (await read(session, f"{url}/refusals?text=none"))["refusals"] == []

    asyncio.run(run())


@mock_aws
def test_the_accounts_of_the_pools_are_listed_without_their_passwords() -> None:
    cognito = boto3.client("cognito-idp", region_name="eu-central-1")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    for name in ("ada", "bob"):
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            TemporaryPassword="Correct-Horse-7",
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.org"}],
        )

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        found = await read(session, f"{url}/accounts?text=ADA")
        [account] = found["accounts"]
        assert (account["pool"], account["email"]) == ("people", "ada@example.org")
        assert account["status"] == "FORCE_CHANGE_PASSWORD"
        assert "Correct-Horse-7" not in json.dumps(found)
        assert (await read(session, f"{url}/accounts"))["count"] == 2

    asked(ask)


def test_another_program_adds_a_panel(tmp_path: Path) -> None:
    (tmp_path / "decisions.js").write_text("export default {};")
    (tmp_path / "secret.txt").write_text("none of the browser's business")

    async def run() -> None:
        panel = Panel("decisions", "Decisions", tmp_path)
        async with served(panels=(panel,)) as (session, url):
            listed = await read(session, f"{url}/panels")
            assert listed == {"panels": [{"name": "decisions", "title": "Decisions"}]}
            async with session.get(f"{url}/panels/decisions/decisions.js") as answer:
                assert answer.content_type == "text/javascript"
            for path in ("decisions/secret.txt", "decisions/other.js", "none/decisions.js"):
                async with session.get(f"{url}/panels/{path}") as answer:
                    assert answer.status in (403, 404)

    asyncio.run(run())
