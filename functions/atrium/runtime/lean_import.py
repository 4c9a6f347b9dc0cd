"""Imports of libraries without the modules that they load at once and never use here.

bench/startup measures the effect on a cold start.
"""

import importlib
import sys
import types
from typing import Any


class StandIn(types.ModuleType):
    """A placeholder for a module during the import of a library; loads the real module on a call.

    `members` are needed for names that the library uses for more than calls, or calls at
    import. `importlib.util.LazyLoader` does not help: on 3.13 a second `import` of a lazy
    module loads it.
    """

    def __init__(self, name: str, **members: object) -> None:
        super().__init__(name)
        vars(self).update(members)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system probes for optional attributes
            raise AttributeError(name)
        return lambda *arguments, **named: getattr(importlib.import_module(self.__name__), name)(
            *arguments, **named
        )


def load(name: str, *stand_ins: StandIn) -> Any:
    """Import the module `name` while the placeholders take the place of modules not yet loaded."""
    placed = [
        stand_in
        for stand_in in stand_ins
        if sys.modules.setdefault(stand_in.__name__, stand_in) is stand_in
    ]
    try:
        return importlib.import_module(name)
    finally:
        for stand_in in placed:
            del sys.modules[stand_in.__name__]


DATES = StandIn("dateutil.parser", ParserError=ValueError)  # the base class of the real one
"""A parser for dates that Python's own parser rejects. Such dates are never sent or stored."""

METADATA = StandIn("importlib.metadata", version=lambda _: "unknown")
"""A source of version numbers that libraries look up at import and nothing here uses."""
