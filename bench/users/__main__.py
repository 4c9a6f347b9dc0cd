"""`python -m bench.users [--rows 1000000] [--write]`: the time of pages of `GET /v1/users`.

It measures the first page, the ten-thousandth and a search, and fails if the ten-thousandth page
takes more than 1.2 times as long as the first.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pg8000.native

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "functions"))

from atrium.stores import postgres  # noqa: E402
from atrium.stores.pipeline import PipelinedConnection  # noqa: E402
from local_aws.database.postgres import SUPERUSER, Postgres, running  # noqa: E402
from users import directory  # noqa: E402
from users.directory import UserFilter, Words  # noqa: E402
from users.model import Profile  # noqa: E402
from users.queries import Sort  # noqa: E402

RESULTS = Path(__file__).with_name("results.md")
LIMIT = 1.2
PAGE, FAR = 20, 10_000
ROUNDS = 301

_NAMES = """
WITH parts AS (
    SELECT string_to_array('ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so', ' ')
        AS syllables, string_to_array('Ada Alan Anita Barbara Claude Donald Dorothy Edsger Edith Grace Hedy Ingrid John Karen
        Ken Leslie Linus Margaret Niklaus Radia Robin Sophie Tim Tony Vint Wilhelmina Yukihiro', ' ') AS given
), rows AS (
    SELECT number, given[1 + floor(random() * 27)] AS given, initcap(
        syllables[1 + floor(random() * 32)] || syllables[1 + floor(random() * 32)] || syllables[1 + floor(random() * 32)]
        || syllables[1 + floor(random() * 32)]) AS family
    FROM generate_series(1, :rows) AS number, parts
)
INSERT INTO users (uid, email, given_name, family_name, status, created_at)
SELECT gen_random_uuid(), lower(given || '.' || family || number || '@example.org'), given, family,
    CASE WHEN number % 100 = 0 THEN 'disabled' ELSE 'active' END, timestamptz '2020-01-01Z' + number * interval '1 minute'
FROM rows
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.users", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data", database="atrium") as server,
        _filled(server, options.rows) as owner,
    ):
        pages = {sort: _page_costs(sort, owner) for sort in get_args(Sort)}
        searches = {q: _milliseconds(partial(_search, q), 31) for q in _SEARCHES}
    table = _table(options.rows, pages, searches)
    print(table)
    if options.write:
        RESULTS.write_text(table)
    worst = max(far / first for first, far, _ in pages.values())
    print(
        f"the ten-thousandth page costs at most {worst:.2f} times the first one; the limit is {LIMIT}",
        file=sys.stderr,
    )
    return int(worst > LIMIT)


_SEARCHES = ("wilhelmina", "wilhelmina bade", "badekoma", "badekmoa", "wilhelmina.badekoma", "b")


def _search(q: str) -> list[Profile]:
    return directory.find(UserFilter(q=Words(q)), None, PAGE + 1)


@contextmanager
def _filled(server: Postgres, rows: int) -> Iterator[pg8000.native.Connection]:
    os.environ |= {"DB_HOST": "unused", "DB_PORT": "1", "DB_NAME": "atrium", "DB_USER": "app"}
    with pg8000.native.Connection(SUPERUSER, unix_sock=server.socket, database="atrium") as owner:
        owner.run("CREATE ROLE app LOGIN")
        owner.run("CREATE ROLE readonly LOGIN")
        migrations = [
            file
            for file in sorted((ROOT / "migrations").glob("*.sql"))
            if ".rollback" not in file.name
        ]
        for file in migrations:
            if file.name.endswith(
                "_users_directory.sql"
            ):  # filling them row by row would take an hour
                owner.run(_NAMES, rows=rows)
            owner.run(file.read_text().replace(" CONCURRENTLY", ""))
        owner.run("VACUUM ANALYZE users")
        app = PipelinedConnection("app", unix_sock=server.socket, database="atrium")
        postgres.connect = lambda *_: app
        yield owner
        app.close()


def _page_costs(sort: Sort, owner: pg8000.native.Connection) -> tuple[float, float, float]:
    """Return median milliseconds of the first page, the ten-thousandth, and the latter by OFFSET.

    The three alternate.
    """
    columns = "email" if "email" in sort else "created_at, uid"
    order = ", ".join(
        f"{column} {'DESC' if sort.startswith('-') else ''}" for column in columns.split(", ")
    )
    [before] = owner.run(
        f"SELECT {columns} FROM users ORDER BY {order} OFFSET {(FAR - 1) * PAGE - 1} LIMIT 1"  # noqa: S608
    )
    wanted = UserFilter(sort=sort)
    first: Callable[[], Any] = lambda: directory.find(wanted, None, PAGE + 1)  # noqa: E731
    far: Callable[[], Any] = lambda: directory.find(wanted, tuple(before), PAGE + 1)  # noqa: E731
    assert len(first()) == len(far()) == PAGE + 1
    times: list[tuple[float, float]] = [(_once(first), _once(far)) for _ in range(ROUNDS)]
    offset = f"SELECT * FROM users WHERE status <> 'erased' ORDER BY {order} OFFSET {(FAR - 1) * PAGE} LIMIT {PAGE + 1}"  # noqa: S608
    by_offset = _milliseconds(lambda: postgres.query(offset), 11)
    return (
        statistics.median(one for one, _ in times),
        statistics.median(one for _, one in times),
        by_offset,
    )


def _milliseconds(work: Callable[[], Any], rounds: int) -> float:
    return statistics.median(_once(work) for _ in range(rounds))


def _once(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _table(
    rows: int, pages: dict[Sort, tuple[float, float, float]], searches: dict[str, float]
) -> str:
    lines = [
        "# A page of users",
        "",
        "Written by `python -m bench.users --write`; what is measured: README.md.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Postgres 17, {rows:,} users, {PAGE} a page. Medians, milliseconds.",
        "",
        "| sort | page 1 | page 10,000 | ratio | page 10,000 by OFFSET |",
        "|---|---|---|---|---|",
        *(
            f"| `{sort}` | {one:.2f} | {far:.2f} | {far / one:.2f} | {skip:.1f} |"
            for sort, (one, far, skip) in pages.items()
        ),
        "",
        "| search | first page |",
        "|---|---|",
        *(f"| `{q}` | {cost:.1f} |" for q, cost in searches.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
