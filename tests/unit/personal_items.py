"""The registry of personal data, as a check of single items of the table."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tools.build import personal_data
from tools.build.personal_data import Record, Registry

ROOT = Path(__file__).resolve().parents[2]
OF_TESTS = ("GRANTED", "THING")
"""Partitions of items that only the kernel's tests write."""


@cache
def registry() -> Registry:
    return personal_data.read(ROOT)


def undeclared(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each item or attribute that no personal-data.yaml declares."""
    for item in items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk in OF_TESTS:
            continue
        kinds = [kind for kind in registry().records("items").values() if is_of(kind, pk, sk)]
        names = item.keys() - {"pk", "sk"}
        if not kinds:
            yield f"{pk} / {sk}: no personal-data.yaml declares this kind of item"
        elif not any(names <= kind.names for kind in kinds):
            missing = min((sorted(names - kind.names) for kind in kinds), key=len)
            yield f"{pk} / {sk}: declare {', '.join(missing)} in personal-data.yaml"


def is_of(kind: Record, pk: str, sk: str) -> bool:
    assert kind.key
    return all(
        re.fullmatch(personal_data.pattern(key), found, re.DOTALL)
        for key, found in zip(kind.key, (pk, sk), strict=True)
    )
