"""Migration of the table's items to the newest layout (docs/runbooks/migrate-items.md)."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

Run = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Invokes the function `migrate` with an event, and returns its answer."""
Report = Callable[[str], None]
KINDS = ("moved", "merged", "expired")


def finish(run: Run, report: Report, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Migrate all items.

    Return this run's counts of visited users and of moved, merged and expired grants.
    """
    total, visited = Counter[str](), 0
    while True:
        answer = run({"action": "migrate_items"})
        if "seconds" in answer:
            report(
                f"Waiting {answer['seconds']:.0f} s: until then a container may still write the earlier layout."
            )
            sleep(answer["seconds"])
            continue
        total.update({kind: answer[kind] for kind in KINDS})
        visited += answer["users"]
        report(_progress(visited, total))
        if not answer["users"] and answer["layout"] == "keyed":
            return {"layout": "keyed", "users": visited, **{kind: total[kind] for kind in KINDS}}


def count(run: Run, report: Report) -> dict[str, Any]:
    """Return the counts that `finish` would return. Nothing is written."""
    total, visited, after = Counter[str](), 0, dict[str, str]()
    while True:
        answer = run({"action": "migrate_items", "dry_run": True, **after})
        if not answer["users"]:
            return {
                "layout": answer["layout"],
                "dry_run": True,
                "users": visited,
                **{kind: total[kind] for kind in KINDS},
            }
        total.update({kind: answer[kind] for kind in KINDS})
        visited += answer["users"]
        report(_progress(visited, total))
        after = {"after": answer["after"]}


def _progress(visited: int, total: Counter[str]) -> str:
    return f"{visited} users visited, " + ", ".join(f"{total[kind]} {kind}" for kind in KINDS)
