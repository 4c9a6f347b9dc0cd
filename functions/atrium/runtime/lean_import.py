"""Importing a library without what it imports at once and we never use. What that saves a cold start: bench/startup."""

import importlib
import sys
import types
from typing import Any


class StandIn(types.ModuleType):
    """Takes a module's place while a library is loading; the real one is loaded when something of it is called.

    `members` are given where more than a call is made of them, or a call at import.
    (`importlib.util.LazyLoader` does not help: on 3.13 a second `import` of a lazy module loads it.)
    """

    def __init__(self, name: str, **members: object) -> None:
        super().__init__(name)
        vars(self).update(members)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for what a module may lack
            raise AttributeError(name)
        return lambda *arguments, **named: getattr(importlib.import_module(self.__name__), name)(
            *arguments, **named
        )


def load(name: str, *stand_ins: StandIn) -> Any:
    """The module `name`, imported while each stand-in is found under its own name, unless the real one is there."""
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


DATES = StandIn("dateutil.parser", ParserError=ValueError)  # of which the real one is a kind
"""Reads what Python's own parser refuses. We never send or store such dates."""

METADATA = StandIn("importlib.metadata", version=lambda _: "unknown")
"""Asked by libraries for a version, of their own or of an extra, that nobody asks them for."""
