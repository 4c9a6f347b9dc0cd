"""Imports of libraries without the modules that they load at once and never use here.

bench/startup measures the effect on a cold start.
"""

import importlib
import sys
import types
from typing import Any


class LazyModule(types.ModuleType):
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


def load(name: str, *modules: LazyModule) -> Any:
    """Import the module `name` while the placeholders take the place of modules not yet loaded."""
    placed = [
        module for module in modules if sys.modules.setdefault(module.__name__, module) is module
    ]
    try:
        return importlib.import_module(name)
    finally:
        for module in placed:
            del sys.modules[module.__name__]


DATES = LazyModule("dateutil.parser", ParserError=ValueError)  # the base class of the real one
"""A parser for dates that Python's own parser rejects. Such dates are never sent or stored."""

METADATA = LazyModule("importlib.metadata", version=lambda _: "unknown")
"""A source of version numbers that libraries look up at import and nothing here uses."""
