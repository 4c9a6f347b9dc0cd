"""Lockout after failed sign-ins: five are free, then each doubles the waiting time."""

import pytest

from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness, refused

WRONG = "Wrong-Horse-77"
INCORRECT = "Incorrect username or password."
EXCEEDED = "Password attempts exceeded"


@pytest.fixture(autouse=True)
def _stopped(harness: UserPoolHarness) -> None:
    harness.server.clock.stop()


def fail(harness: UserPoolHarness, times: int, email: str = EMAIL) -> None:
    for _ in range(times):
        with refused("NotAuthorizedException", INCORRECT):
            harness.sign_in(email, WRONG)


def locked_out(harness: UserPoolHarness, email: str = EMAIL, password: str = PASSWORD) -> None:
    with refused("NotAuthorizedException", EXCEEDED):
        harness.sign_in(email, password)


def test_four_failures_do_not_lock_out(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 4)
    assert harness.sign_in()["AuthenticationResult"]


def test_each_lockout_is_twice_as_long(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    for seconds in (1, 2, 4, 8, 16):
        harness.server.clock.advance(seconds - 0.001)
        locked_out(harness)
        harness.server.clock.advance(0.001)
        fail(harness, 1)


def test_a_lockout_lasts_at_most_fifteen_minutes(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    for exponent in range(10):
        harness.server.clock.advance(2**exponent)
        fail(harness, 1)
    harness.server.clock.advance(899)
    locked_out(harness)
    harness.server.clock.advance(1)
    assert harness.sign_in()["AuthenticationResult"]


def test_attempts_during_a_lockout_do_not_lengthen_it(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    for _ in range(10):
        locked_out(harness, password=WRONG)
    harness.server.clock.advance(1)
    assert harness.sign_in()["AuthenticationResult"]


def test_attempts_during_a_lockout_do_not_end_it(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    for exponent in range(10):
        harness.server.clock.advance(2**exponent)
        fail(harness, 1)
    harness.server.clock.advance(500)
    locked_out(harness)
    harness.server.clock.advance(400)
    fail(harness, 1)
    locked_out(harness)


def test_a_sign_in_resets_the_count(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    harness.server.clock.advance(1)
    harness.sign_in()
    fail(harness, 4)
    assert harness.sign_in()["AuthenticationResult"]


def test_fifteen_minutes_without_a_failure_reset_the_count(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    harness.server.clock.advance(900)
    fail(harness, 4)
    assert harness.sign_in()["AuthenticationResult"]


def test_other_users_are_not_locked_out(harness: UserPoolHarness) -> None:
    harness.signed_in()
    harness.signed_in("eve@example.org")
    fail(harness, 5)
    assert harness.sign_in("eve@example.org")["AuthenticationResult"]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_a_lockout_does_not_reveal_which_users_exist(harness: UserPoolHarness, email: str) -> None:
    harness.signed_in()
    fail(harness, 5, email)
    locked_out(harness, email.upper())


def test_an_administrators_sign_in_is_locked_out_too(harness: UserPoolHarness) -> None:
    harness.signed_in()
    fail(harness, 5)
    with refused("NotAuthorizedException", EXCEEDED):
        harness.admin.admin_initiate_auth(
            UserPoolId=harness.pool_id,
            ClientId=harness.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": EMAIL, "PASSWORD": PASSWORD},
        )


def test_failed_refreshes_do_not_lock_out(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    fail(harness, 5)
    assert harness.refresh(tokens["RefreshToken"])
