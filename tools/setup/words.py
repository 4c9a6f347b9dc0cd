"""The words of `functions/coffee` and those that stand for them in a service made out of it."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.build.declarations import LONGEST_NAME

# Of those that Postgres reserves, the ones that look like a plural: https://www.postgresql.org/docs/17/sql-keywords-appendix.html
_SQL = ("overlaps", "references")

_PLAIN = {
    "menu": "items",
    "barista": "clerk",
    "BARISTA": "CLERK",
    "Espresso": "Small",
    "Cappuccino": "Medium",
    "Flat white": "Large",
}


@dataclass(frozen=True)
class Words:
    """`name` is the folder's, `singular` and `plural` the resource's: parcels → parcel, parcels; mail → mail, mails."""

    name: str
    singular: str
    plural: str

    @classmethod
    def of(cls, name: str) -> "Words":
        """Raises ValueError for a name that no service can have, whatever others there are."""
        if not name:
            raise ValueError("It needs a name: make new-service NAME=parcels.")
        if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
            raise ValueError(
                f"{name!r} is not a name in snake_case, such as gift_cards, of up to {LONGEST_NAME} letters."
            )
        singular = _singular(name)
        words = cls(name, singular, name if singular != name else _plural(name))
        for word in (words.name, words.singular, words.plural):
            if keyword.iskeyword(word) or word in _SQL:
                raise ValueError(
                    f"{word!r} is a word of {'SQL' if word in _SQL else 'Python'}'s own. Choose another name."
                )
        return words

    @property
    def path(self) -> str:
        return self.plural.replace("_", "-")

    @property
    def item_path(self) -> str:
        return f"{self.singular.replace('_', '-')}-items"

    @property
    def tables(self) -> tuple[str, ...]:
        return self.plural, f"{self.singular}_lines", f"{self.singular}_items"

    def said(self, text: str) -> str:
        """What the original says, in these words."""
        for pattern, word in self._instead():
            text = re.sub(pattern, word, text)
        return text

    def _instead(self) -> Iterator[tuple[str, str]]:
        yield r"(?<=/v1/)coffees\b", self.item_path
        yield r"(?<=/v1/)orders\b", self.path
        # The package; anywhere else coffee is what is ordered.
        yield r"(?<=\bfrom )coffee\b|(?<=tags: \[)coffee\b|(?<=workers\(\")coffee\b", self.name
        yield r"\bcoffees\b", f"{self.singular}_items"
        yield r"Coffee(?=s?\b)", f"{_camel(self.singular)}Item"
        yield r"\b([Aa]) coffee\b", r"\1n item"
        yield r"coffee", "item"
        yield r"COFFEE", "ITEM"
        if self.singular[0] not in "aeio":  # an order, a parcel, a user
            yield r"\b([Aa])n order\b", rf"\1 {self.singular}"
        yield r"(?<![A-Za-z])order(?![A-Za-z])", self.singular
        yield r"(?<![A-Za-z])orders(?![A-Za-z])", self.plural
        yield r"(?<![A-Z])Order(?![a-z])", _camel(self.singular)
        yield r"(?<![A-Z])Orders(?![a-z])", _camel(self.plural)
        yield r"(?<![A-Z])ORDER(?![A-Z]| BY)", self.singular.upper()
        yield r"(?<![A-Z])ORDERS(?![A-Z])", self.plural.upper()
        yield from ((rf"(?<![A-Za-z]){word}(?![A-Za-z])", other) for word, other in _PLAIN.items())


def _singular(name: str) -> str:
    """The word itself when it looks like a singular: news and status are none of many."""
    if re.search("(ss|us|is|news)$", name):
        return name
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    if re.search("(sh|ch|x|ss|z)es$", name):
        return name[:-2]
    return name.removesuffix("s")


def _plural(name: str) -> str:
    if re.search("[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search("(s|sh|ch|x|z)$", name) else f"{name}s"


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
