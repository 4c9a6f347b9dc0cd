"""The report of a statement that would have pinned a session, with the line that sends it."""

from pathlib import Path

from local_aws.database.pinning import Pinned
from tests.iam.sent_from import report


def test_a_recorded_statement_is_reported_with_its_sql_and_line(tmp_path: Path) -> None:
    source = tmp_path / "functions" / "orders" / "queries.py"
    source.parent.mkdir(parents=True)
    source.write_text('NEXT = """\nSELECT nextval(\'orders\')\nFROM shelves"""\n')
    message = report(
        tmp_path,
        Pinned("app", "changes or reads a sequence", "\nSELECT nextval('orders')\nFROM shelves"),
    )
    assert (
        "app sent what changes or reads a sequence, from functions/orders/queries.py:2:" in message
    )
    assert "SELECT nextval('orders')" in message
