"""The vendored table of AWS's prices, prices.yaml."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from tools.deploy.errors import RefusedError

FILE = Path(__file__).with_name("prices.yaml")
UNREAD = "from_memory"


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price in USD. `source` is a name in the table's sources."""

    usd: float
    per: str
    source: str


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The assumed needs of one request."""

    milliseconds: float
    memory_mb: int
    table_reads: float
    log_bytes: int


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sources: dict[str, str]
    hours_a_month: int
    prices: dict[str, Price]
    request: Request
    vcpus: dict[str, int]
    savings: dict[str, str]
    free: set[str]

    def price(self, name: str) -> Price:
        """Return a price. Raise RefusedError with the file to add it to if it is missing."""
        try:
            return self.prices[name]
        except KeyError:
            raise _missing(f"a price of {name!r}", "prices") from None

    def vcpus_of(self, instance_class: str) -> int:
        try:
            return self.vcpus[instance_class]
        except KeyError:
            raise _missing(f"the processors of {instance_class!r}", "vcpus") from None


@cache
def table() -> Table:
    return msgspec.yaml.decode(FILE.read_bytes(), type=Table)


@dataclass(frozen=True)
class Amount:
    """A sum of prices in USD, and whether each of them was verified in a source."""

    usd: float
    read: bool

    @classmethod
    def of(cls, name: str, quantity: float) -> "Amount":
        """Return the amount of a quantity, in the unit of the price."""
        price = table().price(name)
        hours = table().hours_a_month if price.per.endswith("hour") else 1
        return cls(price.usd * quantity * hours, price.source != UNREAD)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.usd + other.usd, self.read and other.read)


NOTHING = Amount(0, True)


def _missing(what: str, section: str) -> RefusedError:
    return RefusedError(
        f"the price table lacks {what}. Look it up on AWS's price page and add it to `{section}` "
        f"in tools/operations/cost/{FILE.name}, with its source."
    )
