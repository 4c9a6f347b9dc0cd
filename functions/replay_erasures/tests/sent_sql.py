"""A restored table lacks an erasure, and an operator names a user."""

from unittest.mock import patch

from atrium.identity import users
from atrium.stores import user_table
from replay_erasures import replay


def run() -> None:
    ada = users.find_or_create("cognito:pool", "ada", "ada@example.com", {}).uid
    with patch.multiple(user_table, query=lambda *_, **__: [], metas=lambda _: {}):
        assert replay.undone([ada]) == [ada]
    replay.queue([ada])
