"""The names of a new service and its resource, derived from NAME."""

import keyword
import re
from dataclasses import dataclass

from tools.build.declarations import LONGEST_NAME

# The SQL keywords that Postgres reserves and that look like a plural:
# https://www.postgresql.org/docs/17/sql-keywords-appendix.html
_SQL = ("overlaps", "references")


@dataclass(frozen=True)
class ServiceNames:
    """`service` is the folder, `singular` and `plural` the resource: mail → mail, mails."""

    service: str
    singular: str
    plural: str

    @classmethod
    def of(cls, name: str) -> "ServiceNames":
        """Return the names. Raise ValueError for a name that no service can have."""
        if not name:
            raise ValueError("A name is missing: make new-service NAME=parcels.")
        if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
            raise ValueError(
                f"{name!r} is not a name in snake_case, such as gift_cards, of up to {LONGEST_NAME} letters."
            )
        singular = _singular(name)
        names = cls(name, singular, name if singular != name else _plural(name))
        for word in (names.service, names.singular, names.plural):
            if keyword.iskeyword(word) or word in _SQL:
                language = "SQL" if word in _SQL else "Python"
                raise ValueError(f"{word!r} is a keyword of {language}. Choose another name.")
        return names

    def variables(self) -> dict[str, str]:
        """Return the variables of the template."""
        plural_words = self.plural.replace("_", " ")
        return {
            "service": self.service,
            "singular": self.singular,
            "plural": self.plural,
            "path": self.plural.replace("_", "-"),
            "Singular": _camel(self.singular),
            "Plural": _camel(self.plural),
            "plural_words": plural_words,
            "Plural_words": plural_words.capitalize(),
        }


def _singular(name: str) -> str:
    """Return the name itself if it does not look like a plural: news, status."""
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
