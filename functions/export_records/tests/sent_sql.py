"""An administrator exports a person's stored data."""

from atrium.identity import users
from export_records import rows
from tests.support.built_in_tables import built_in_tables

NOBODY = "01920000-0000-7000-8000-00000000ffff"


def run() -> None:
    ada = users.find_or_create("cognito:pool", "ada", "ada@example.com", {}).uid
    with built_in_tables():
        assert rows.export(ada, ada, "request-1")["users"]
        assert rows.export(NOBODY, ada, "request-2") == {}
