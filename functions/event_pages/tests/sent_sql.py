"""A run claims, publishes a page and releases."""

from atrium.identity import users
from event_pages import pages


def run() -> None:
    users.find_or_create("cognito:pool", "ada", "ada@example.com", {})
    pages.claim()
    [event] = pages.next_page([], None)
    pages.next_page([event["detail"]["id"]], event["detail"])
    pages.release()
