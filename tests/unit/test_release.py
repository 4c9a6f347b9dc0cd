"""A release shifts all functions or none, and never replaces a newer one."""

import pytest
from botocore.exceptions import ClientError

from tests.pipelines.aliases import Aliases, refused
from tools.deploy import live_alias, release
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import OvertakenError, Shift

LIVE = {"users": "1", "meta": "3", "orders": "5"}
NEWEST = {"users": "2", "meta": "4", "orders": "6"}


@pytest.fixture
def client() -> Aliases:
    return Aliases(dict(LIVE), dict(NEWEST))


def shifts(client: Aliases) -> list[Shift]:
    return live_alias.pending(client, NEWEST)


def refuse(client: Aliases, *moves: tuple[str, str]) -> None:
    """Refuse these shifts of a function to a version."""

    def before(function: str, version: str) -> None:
        if (function, version) in moves:
            raise refused("TooManyRequestsException", "Rate exceeded")

    client.before_move = before


def test_shifted_functions_are_rolled_back_when_a_later_one_is_refused(client: Aliases) -> None:
    refuse(client, ("orders", "6"))
    with pytest.raises(ClientError, match="Rate exceeded"):
        release.shift(client, None, shifts(client), None)
    assert client.live == LIVE


def test_a_failed_rollback_does_not_stop_the_others_and_is_reported_with_the_command(
    client: Aliases,
) -> None:
    refuse(client, ("orders", "6"), ("users", "1"))
    with pytest.raises(RefusedError) as caught:
        release.shift(client, None, shifts(client), None)
    assert client.live == LIVE | {"users": "2"}
    assert "aws lambda update-alias --function-name users --name live --function-version 1" in str(
        caught.value
    )
    assert "meta" not in str(caught.value)


def test_an_older_release_does_not_replace_a_newer_one(client: Aliases) -> None:
    older = shifts(client)
    client.newest = dict.fromkeys(NEWEST, "9")
    release.shift(client, None, shifts(client), None)
    with pytest.raises(RefusedError, match="users: another release has moved its alias"):
        release.shift(client, None, older, None)
    assert client.live == client.newest


def test_a_rollback_leaves_functions_of_a_newer_release(client: Aliases) -> None:
    """Roll back an older release while a newer one has already shifted one function."""
    older = shifts(client)

    def overtake(function: str, version: str) -> None:
        if (function, version) == ("meta", "4"):
            client.before_move = lambda function, version: None
            [users] = live_alias.shifts_to(client, {"users": "9"})
            live_alias.finish(client, users)
            raise refused("TooManyRequestsException", "Rate exceeded")

    client.before_move = overtake
    with pytest.raises(RefusedError, match="users: another release has moved its alias"):
        release.shift(client, None, older, None)
    assert client.live == LIVE | {"users": "9"}


def test_a_retry_after_a_lost_answer_is_no_conflict(client: Aliases) -> None:
    """Let boto3 repeat a request whose answer was lost: the revision has changed by then."""
    [users] = live_alias.shifts_to(client, {"users": "2"})
    live_alias.finish(client, users)
    repeated = Shift("users", "1", "2", "0")
    live_alias.finish(client, repeated)
    assert repeated.revision == users.revision
    with pytest.raises(OvertakenError):
        live_alias.finish(client, Shift("users", "1", "1", "0"))
