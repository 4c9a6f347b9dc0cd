"""Imports of libraries without the modules that they load at once and never use here.

bench/startup measures the effect on a cold start.
"""

import importlib
import re
import sys
import types
from collections.abc import Callable
from typing import Any, cast


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
        return lambda *arguments, **named: getattr(self._module(), name)(*arguments, **named)

    def _module(self) -> types.ModuleType:
        if sys.modules.get(self.__name__) is self:  # the library calls it during its import
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


class LazyPattern:
    """A regular expression that is compiled at its first use."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._arguments, self._named = arguments, named

    def __getattr__(self, name: str) -> Any:
        found = getattr(_compile(*self._arguments, **self._named), name)
        vars(self)[name] = found  # the next use finds the compiled pattern
        return found

    def answer_first(self, method: str, answer: Callable[[str], Any]) -> None:
        """Let `answer` replace the method, and compile the pattern only if it returns Ellipsis."""
        pattern = LazyPattern(*self._arguments, **self._named)
        vars(self)[method] = lambda text: (
            getattr(pattern, method)(text) if (found := answer(text)) is ... else found
        )


_compile = re.compile


def pattern(expression: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern without compiling it, which takes about 1 M instructions."""
    return cast("re.Pattern[str]", LazyPattern(expression, flags))


def load(name: str, *modules: LazyModule) -> Any:
    """Import the module `name` while the placeholders take the place of modules not yet loaded.

    The regular expressions of all modules that this imports are compiled at their first use.
    """
    placed = [
        module for module in modules if sys.modules.setdefault(module.__name__, module) is module
    ]
    re.compile = LazyPattern  # type: ignore[assignment]
    try:
        return importlib.import_module(name)
    finally:
        re.compile = _compile
        for module in placed:
            if sys.modules.get(module.__name__) is module:
                del sys.modules[module.__name__]
                package, _, last = module.__name__.rpartition(".")
                if package in sys.modules:  # as `import package.last` would have set it
                    vars(sys.modules[package]).setdefault(last, module)


DATES = LazyModule("dateutil.parser", ParserError=ValueError)  # the base class of the real one
"""A parser for dates that Python's own parser rejects. Such dates are never sent or stored."""

METADATA = LazyModule("importlib.metadata", version=lambda _: "unknown")
"""A source of version numbers that libraries look up at import and nothing here uses."""
