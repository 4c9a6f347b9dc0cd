"""What a request says about itself: the condition keys that policies test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# A key that AWS would fill and we do not. A condition on it cannot be decided, so it fails closed; leaving the key
# out would be wrong, because a missing key makes `ForAllValues`, `…NotEquals` and `…IfExists` true.
UNKNOWN = None

Values = Sequence[str]
Context = Mapping[str, str | Values | None]


@dataclass(frozen=True)
class Keys:
    """A context with the case-insensitive keys that IAM has. `aws:ResourceTag/*` speaks for all keys of that prefix."""

    values: Mapping[str, tuple[str, ...] | None]

    @classmethod
    def of(cls, context: Context) -> "Keys":
        return cls({name.lower(): _values(value) for name, value in context.items()})

    def has(self, key: str) -> bool:
        return key.lower() in self.values or _family(key) in self.values

    def get(self, key: str) -> tuple[str, ...] | None:
        """Its values; None if unknown. Look with `has` first: a missing key has no values either."""
        return self.values.get(key.lower(), self.values.get(_family(key), ()))

    def single(self, key: str) -> str | None:
        found = self.get(key)
        return found[0] if found and len(found) == 1 else None


def _family(key: str) -> str:
    return key.lower().partition("/")[0] + "/*"


def _values(value: str | Values | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)
