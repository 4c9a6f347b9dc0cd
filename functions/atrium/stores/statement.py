"""SQL with named parameters: `Statement("… WHERE uid = :uid::uuid", {"uid": uid})`."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

Parameters = Mapping[str, object] | tuple[object, ...]


class Statement(NamedTuple):
    """SQL and its parameters: a mapping for the names in it (`:uid`), a tuple for `$1`, `$2`.

    Write `:uid::uuid` where Postgres cannot infer the type.
    """

    sql: str
    parameters: Parameters = ()

    def named(self) -> Mapping[str, object]:
        """Return the named parameters. Raise if they are numbered."""
        if isinstance(self.parameters, tuple):
            raise TypeError("The SQL must have named parameters.")
        return self.parameters

    def numbered(self) -> tuple[str, tuple[object, ...]]:
        """Return the SQL with `$1`, `$2`, as Postgres expects it, and the values in that order."""
        if isinstance(self.parameters, tuple):
            return self.sql, self.parameters
        sql, names = number(self.sql)
        if set(names) != self.parameters.keys():
            different = ", ".join(sorted(set(names) ^ self.parameters.keys()))
            raise ValueError(f"The SQL and the parameters have different names: {different}.")
        return sql, tuple(map(self.parameters.__getitem__, names))


@lru_cache(maxsize=256)
def number(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return the SQL with `$1`, `$2` for its names, and the names in the order of the numbers."""
    names = dict[str, str]()

    def placeholder(found: re.Match[str]) -> str:
        name = found[1]
        return names.setdefault(name, f"${len(names) + 1}") if name else found[0]

    # The first two alternatives skip text in quotes and casts.
    numbered = re.sub(r"'[^']*'|::|:([a-z_][a-z0-9_]*)", placeholder, sql)
    return numbered, tuple(names)
