"""The registry of personal data: errors of declarations, the generated SQL, and the page in docs/."""

from pathlib import Path

import msgspec
import pytest

from tests.build.repository import REPOSITORY
from tools.build import personal_data
from tools.build.errors import BuildError
from tools.setup import personal_data_page

NOTES = """\
postgres:
  notes:
    whose: uid
    why: People write them.
    kept: as long as the account
    erasure: blank
    expires: ends_at
    fields:
      uid: {is: Whose it is., erasure: keep, because: A random number.}
      text: What was written.
      state: {is: How it is., set: gone}
    not_personal: [id, ends_at]
  lines:
    whose: {note_id: notes.id}
    why: Parts of notes.
    kept: as long as the note
    erasure: delete
    fields: {note_id: The note., text: What was written.}
"""


def lay_out(root: Path, yaml: str, other: str = "") -> Path:
    for service, content in (("notes", yaml), ("others", other)):
        if content:
            (root / "functions" / service).mkdir(parents=True)
            (root / "functions" / service / personal_data.FILE).write_text(content)
    return root


def test_declared_tables_become_sql(tmp_path: Path) -> None:
    compiled = msgspec.json.decode(
        personal_data.compiled(personal_data.read(lay_out(tmp_path, NOTES)))
    )
    # Lines of an order come before the orders: afterwards their owner could not be found.
    assert [(each["table"], each["erase"]) for each in compiled["tables"]] == [
        (
            "lines",
            "DELETE FROM lines WHERE note_id IN (SELECT id FROM notes WHERE uid = :uid::uuid)",
        ),
        ("notes", "UPDATE notes SET text = NULL, state = 'gone' WHERE uid = :uid::uuid"),
    ]
    assert (
        "SELECT uid, text, state FROM notes WHERE uid = :uid::uuid"
        in compiled["tables"][1]["export"]
    )
    [expiring] = compiled["expiring"]
    assert expiring["sql"].startswith("DELETE FROM notes WHERE ctid = ANY")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("    whose: uid\n", "", "postgres.notes.whose: It is missing. Add it: the record has personal fields."),
        ("whose: uid\n", "whose: person\n", "postgres.notes.whose: There is no column person."),
        ("whose: {note_id: notes.id}", "whose: {note_id: notices.id}", "postgres.lines.whose: No table notices is declared."),
        ("not_personal: [id, ends_at]", "not_personal: [id, ends_at, text]", "postgres.notes.fields.text: It is also in `not_personal`."),
        (", because: A random number.", "", "postgres.notes.fields.uid: A field that stays needs a reason. Add `because`."),
        ("expires: ends_at", "expires: end", "postgres.notes.expires: There is no column end."),
        ("erasure: delete", "erasure: forget", "postgres.lines.erasure: Invalid enum value 'forget'."),
        ("why: Parts of notes.", "whi: Parts of notes.", "postgres.lines.whi: There is no such field."),
    ],
)  # fmt: skip
def test_an_invalid_declaration_is_refused(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in NOTES
    with pytest.raises(BuildError) as refused:
        personal_data.read(lay_out(tmp_path, NOTES.replace(before, after)))
    assert refused.value.as_line(tmp_path).startswith(f"functions/notes/personal-data.yaml: {told}")


def test_a_table_cannot_be_declared_twice(tmp_path: Path) -> None:
    other = "postgres:\n  notes: {not_personal: [id]}\n"
    with pytest.raises(BuildError, match=r"notes/personal-data\.yaml declares it already"):
        personal_data.read(lay_out(tmp_path, NOTES, other))


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("{not_personal: [a]}", "items.things.key: It is missing."),
        ("{key: ['T#<id>', META], found_by: partition, whose: u, why: For it., kept: a day, erasure: delete, fields: {a: What.}}", "items.things.found_by: The partition key has no <uid>."),
        ("{key: ['U#<uid>', T], whose: u, why: For it., kept: a day, erasure: delete, fields: {a: What.}}", "items.things.found_by: It is missing."),
        ("{key: ['U#<uid>', T], found_by: partition, whose: u, why: For it., kept: a day, erasure: blank, fields: {a: What.}}", "items.things.erasure: Items are deleted or kept as a whole."),
    ],
)  # fmt: skip
def test_an_invalid_item_is_refused(tmp_path: Path, item: str, told: str) -> None:
    with pytest.raises(BuildError) as refused:
        personal_data.read(lay_out(tmp_path, f"items:\n  things: {item}\n"))
    assert told in refused.value.as_line(tmp_path)


def test_the_page_lists_the_declarations() -> None:
    text = personal_data_page.page(personal_data.read(REPOSITORY))
    assert personal_data_page.PAGE.read_text() == text, "Run `make docs`: docs/personal-data.md."
    assert "\n### `attributes` (`U#<uid> / ATTR#<namespace>#<name>`)\n" in text
