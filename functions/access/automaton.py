"""Search for a pattern in linear time with the Glushkov automaton.

Each symbol of the pattern is a state, and sets of states are the bits of an int. A text is read
once, without backtracking. https://en.wikipedia.org/wiki/Glushkov%27s_construction_algorithm
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from access import patterns
from access.patterns import END, START, Characters, Group, Node, PatternError, Repeat


class Part(NamedTuple):
    """The states with which a part of the pattern can begin and end, and whether it can be empty."""

    first: int
    last: int
    is_optional: bool


_NOTHING = Part(0, 0, True)


class Automaton:
    """The states of a pattern: the characters of each, and the states that may follow it."""

    def __init__(self, node: Node) -> None:
        """Raise PatternError for `$^`, which would match only the empty text."""
        self.symbols: list[Characters | int] = []
        self.follow: list[int] = []
        self.whole = self._build(node)
        self.states_by_symbol: dict[Characters | int, int] = {}
        for state, symbol in enumerate(self.symbols):
            self.states_by_symbol[symbol] = self.states_by_symbol.get(symbol, 0) | 1 << state
        starts, ends = (self.states_by_symbol.get(symbol, 0) for symbol in (START, END))
        if any(self.follow[state] & starts for state in _bits(ends)):
            raise PatternError("`^` cannot come after `$`")

    def _build(self, node: Node) -> Part:
        match node:
            case Repeat(inner, least, most):
                return self._repeat(inner, least, most)
            case Group("alternatives", nodes):
                return _either([self._build(each) for each in nodes])
            case Group(_, nodes):
                return functools.reduce(self._join, map(self._build, nodes), _NOTHING)
        self.symbols.append(node)
        self.follow.append(0)
        state = 1 << (len(self.symbols) - 1)
        return Part(state, state, False)

    def _repeat(self, node: Node, least: int, most: int | None) -> Part:
        """Expand a repeat: a{2,4} is aa(a(a)?)?, a{2,} is aa+, and a* is (a+)?."""
        if most is None:
            copies = [self._build(node) for _ in range(max(least, 1))]
            last = self._join(copies[-1], copies[-1])._replace(is_optional=copies[-1].is_optional)
            loop = Part(copies[-1].first, copies[-1].last, last.is_optional or least == 0)
            return functools.reduce(self._join, [*copies[:-1], loop], _NOTHING)
        tail = _NOTHING
        for _ in range(most - least):
            tail = self._join(self._build(node), tail)._replace(is_optional=True)
        return self._join(
            functools.reduce(self._join, [self._build(node) for _ in range(least)], _NOTHING), tail
        )

    def _join(self, one: Part, other: Part) -> Part:
        for state in _bits(one.last):
            self.follow[state] |= other.first
        return Part(
            one.first | (other.first if one.is_optional else 0),
            other.last | (one.last if other.is_optional else 0),
            one.is_optional and other.is_optional,
        )


def _either(parts: list[Part]) -> Part:
    first = functools.reduce(int.__or__, (part.first for part in parts))
    last = functools.reduce(int.__or__, (part.last for part in parts))
    return Part(first, last, any(part.is_optional for part in parts))


class Search:
    """A search for one pattern in any number of texts.

    `spend` is called with the number of steps.
    """

    def __init__(self, pattern: str, spend: Callable[[int], None]) -> None:
        self._automaton = automaton(pattern)
        self._spend = spend
        self._matching: dict[str | int, int] = {}
        self._next: dict[int, int] = {}
        symbols = self._automaton.symbols
        # `^^` matches at the start as `^` does, so `^` may match several times there.
        self._before, self._after = [START] * symbols.count(START), [END] * symbols.count(END)

    def finds(self, text: str) -> bool:
        """Return True if a part of the text matches."""
        whole = self._automaton.whole
        if whole.is_optional:
            return True
        self._spend(len(text))
        states = 0
        for symbol in (*self._before, *text, *self._after):
            following = self._next.get(states)
            if following is None:
                following = self._next[states] = self._following(states)
            matching = self._matching.get(symbol)
            if matching is None:
                matching = self._matching[symbol] = self._matched_by(symbol)
            states = following & matching
            if states & whole.last:
                return True
        return False

    def _following(self, states: int) -> int:
        """Return the states that may come next. A match may also begin at any place."""
        found = self._automaton.whole.first
        for state in _bits(states):
            self._spend(1)
            found |= self._automaton.follow[state]
        return found

    def _matched_by(self, symbol: str | int) -> int:
        by_symbol = self._automaton.states_by_symbol
        self._spend(2 * len(by_symbol))
        matched = (states for wanted, states in by_symbol.items() if _matches(wanted, symbol))
        return functools.reduce(int.__or__, matched, 0)


def _matches(wanted: Characters | int, symbol: str | int) -> bool:
    if isinstance(wanted, int) or isinstance(symbol, int):
        return wanted == symbol
    return symbol in wanted


def _bits(states: int) -> Iterator[int]:
    while states:
        lowest = states & -states
        yield lowest.bit_length() - 1
        states ^= lowest


@functools.lru_cache(maxsize=256)
def automaton(pattern: str) -> Automaton:
    """Return the automaton of a pattern. Raise PatternError."""
    return Automaton(patterns.parse(pattern))
