"""`make docs`: write docs/personal-data.md from the registry of personal data."""

from collections.abc import Iterator

from tools import ROOT
from tools.build import personal_data
from tools.build.personal_data import Record, Registry

PAGE = ROOT / "docs/personal-data.md"

_INTRODUCTION = """\
# What we store of a person

`make docs` writes this page from `functions/*/personal-data.yaml`. The tests fail for a column, an item
or a log field that none of these files declares ([how](architecture.md#personal-data)).

`GET /v1/me/export` and `GET /v1/users/{id}/export` return every field of the tables, items and accounts below.
`DELETE /v1/me` erases them after a grace period of 14 days (`DELETION_GRACE_DAYS`), unless the person signs in during that time.
`POST /v1/users/{id}/erasures` erases them at once.

The column *on erasure* shows what an erasure does:

- *delete*: the row or item is deleted.
- *blank*: the fields are emptied.
- *keep*: the data stays, for the given reason.
- *expires*: the data is deleted automatically after the given time.
"""

_TITLES = {
    "postgres": "Tables in Postgres",
    "items": "Items of the table `UserAttributes`",
    "cognito": "The account in the user pool",
    "logs": "Logs",
    "traces": "Traces",
    "queues": "Queues",
    "copies": "Copies: backups, streams and journals",
}


def main() -> None:
    text = page(personal_data.read(ROOT))
    if not PAGE.is_file() or PAGE.read_text() != text:
        PAGE.write_text(text)
        print(f"wrote {PAGE.relative_to(ROOT)}")


def page(registry: Registry) -> str:
    sections = (_section(store, registry.records(store)) for store in _TITLES)
    return "\n".join([_INTRODUCTION, *(line for section in sections for line in section)])


def _section(store: str, records: dict[str, Record]) -> Iterator[str]:
    personal = {name: each for name, each in sorted(records.items()) if each.why}
    yield f"## {_TITLES[store]}\n"
    for name, record in personal.items():
        yield from _record(name, record)
    if others := sorted(records.keys() - personal.keys()):
        yield f"Without personal data: {', '.join(f'`{name}`' for name in others)}.\n"


def _record(name: str, record: Record) -> Iterator[str]:
    key = f" (`{' / '.join(record.key)}`)" if record.key else ""
    yield f"### `{name}`{key}\n"
    erasure = f" On erasure: *{record.erasure}*." if record.erasure else ""
    yield f"{record.why} Kept: {record.kept}.{erasure} {record.because or ''}".rstrip() + "\n"
    if not record.fields:
        return
    yield "| field | what it is | on erasure |\n|---|---|---|"
    for field in record.fields:
        yield f"| `{field}` | {record.field(field).description} | {_fate(record, field)} |"
    yield ""


def _fate(record: Record, name: str) -> str:
    field = record.field(name)
    if field.set is not None:
        return f"becomes `{field.set}`"
    own = isinstance(record.fields[name], str)
    fate = field.erasure or record.erasure or ""
    return fate if own or not field.because else f"{fate}: {field.because}"


if __name__ == "__main__":
    main()
