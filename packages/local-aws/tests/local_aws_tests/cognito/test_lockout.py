"""Lockout after failed sign-ins: five are free, then each doubles the waiting time."""

import pytest

from local_aws_tests.cognito.world import EMAIL, PASSWORD, World, refused

WRONG = "Wrong-Horse-77"
INCORRECT = "Incorrect username or password."
EXCEEDED = "Password attempts exceeded"


@pytest.fixture(autouse=True)
def _stopped(world: World) -> None:
    world.server.clock.stop()


def fail(world: World, times: int, email: str = EMAIL) -> None:
    for _ in range(times):
        with refused("NotAuthorizedException", INCORRECT):
            world.sign_in(email, WRONG)


def locked_out(world: World, email: str = EMAIL, password: str = PASSWORD) -> None:
    with refused("NotAuthorizedException", EXCEEDED):
        world.sign_in(email, password)


def test_four_failures_do_not_lock_out(world: World) -> None:
    world.signed_in()
    fail(world, 4)
    assert world.sign_in()["AuthenticationResult"]


def test_each_lockout_is_twice_as_long(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    for seconds in (1, 2, 4, 8, 16):
        world.server.clock.advance(seconds - 0.001)
        locked_out(world)
        world.server.clock.advance(0.001)
        fail(world, 1)


def test_a_lockout_lasts_at_most_fifteen_minutes(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    for exponent in range(10):
        world.server.clock.advance(2**exponent)
        fail(world, 1)
    world.server.clock.advance(899)
    locked_out(world)
    world.server.clock.advance(1)
    assert world.sign_in()["AuthenticationResult"]


def test_attempts_during_a_lockout_do_not_lengthen_it(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    for _ in range(10):
        locked_out(world, password=WRONG)
    world.server.clock.advance(1)
    assert world.sign_in()["AuthenticationResult"]


def test_attempts_during_a_lockout_do_not_end_it(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    for exponent in range(10):
        world.server.clock.advance(2**exponent)
        fail(world, 1)
    world.server.clock.advance(500)
    locked_out(world)
    world.server.clock.advance(400)
    fail(world, 1)
    locked_out(world)


def test_a_sign_in_resets_the_count(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    world.server.clock.advance(1)
    world.sign_in()
    fail(world, 4)
    assert world.sign_in()["AuthenticationResult"]


def test_fifteen_minutes_without_a_failure_reset_the_count(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    world.server.clock.advance(900)
    fail(world, 4)
    assert world.sign_in()["AuthenticationResult"]


def test_other_users_are_not_locked_out(world: World) -> None:
    world.signed_in()
    world.signed_in("eve@example.org")
    fail(world, 5)
    assert world.sign_in("eve@example.org")["AuthenticationResult"]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_a_lockout_does_not_reveal_which_users_exist(world: World, email: str) -> None:
    world.signed_in()
    fail(world, 5, email)
    locked_out(world, email.upper())


def test_an_administrators_sign_in_is_locked_out_too(world: World) -> None:
    world.signed_in()
    fail(world, 5)
    with refused("NotAuthorizedException", EXCEEDED):
        world.admin.admin_initiate_auth(
            UserPoolId=world.pool_id,
            ClientId=world.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": EMAIL, "PASSWORD": PASSWORD},
        )


def test_failed_refreshes_do_not_lock_out(world: World) -> None:
    tokens = world.signed_in()
    fail(world, 5)
    assert world.refresh(tokens["RefreshToken"])
