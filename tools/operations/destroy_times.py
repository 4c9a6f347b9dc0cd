"""Times of a destroy: expected and measured, for each part.

No part was measured on AWS. The expectations are from AWS's and the provider's documentation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

DONE = re.compile(
    r"^(?P<address>\S.*): Destruction complete after (?P<time>(?:\d+h)?(?:\d+m)?(?:\d+s)?)"
)
KIND = re.compile(r"(?:^|\.)(aws_\w+)\.")
UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Part:
    """Resources that are destroyed together, and the longest expected time of one of them."""

    name: str
    kinds: tuple[str, ...]  # regular expressions of Terraform's resource types
    most_minutes: int
    reason: str

    def holds(self, address: str) -> bool:
        kind = KIND.search(address)
        return kind is not None and any(re.fullmatch(each, kind[1]) for each in self.kinds)


PARTS = (
    # https://github.com/hashicorp/terraform-provider-aws/issues/10329
    Part(
        "network of the functions",
        ("aws_subnet", "aws_security_group", "aws_vpc"),
        45,
        "AWS releases the functions' network interfaces late, and these wait for it; 20 to 45 min are normal",
    ),
    Part("database", ("aws_db_instance",), 30, "5 to 15 min, longer with a final snapshot"),
    Part("proxy", ("aws_db_proxy.*",), 15, "a few minutes"),
    Part("user pool, table and API", ("aws_cognito.*", "aws_dynamodb.*", "aws_api_gateway.*"), 10, "a minute"),
    Part("keys", ("aws_kms.*",), 1, "AWS keeps them for 30 days, unusable, and then deletes them"),
    Part("the rest", ("aws_.*",), 15, "seconds each"),
)  # fmt: skip


def expected() -> str:
    """Return the table that `make destroy` shows before it begins."""
    lines = [
        f"  {part.name:<26}at most {part.most_minutes:>2} min: {part.reason}" for part in PARTS
    ]
    return "\n".join(
        [
            "destroy: expected times. Terraform reports each resource.",
            *lines,
            "Credentials should last an hour. If they expire earlier, run the same command again to continue.",
        ]
    )


@dataclass
class Times:
    """The seconds that each resource took, read from Terraform's output."""

    seconds: dict[str, int] = field(default_factory=dict)

    def note(self, line: str) -> None:
        if (done := DONE.match(line)) is not None:
            self.seconds[done["address"]] = _seconds(done["time"])

    def report(self) -> str:
        """Return the longest time of each part, and a warning for each that took longer than expected."""
        if not self.seconds:
            return "destroy: no resource was destroyed."
        return "\n".join(
            ["destroy: measured times, of the slowest resource of each part", *self._lines()]
        )

    def _lines(self) -> Iterator[str]:
        for part in PARTS:
            found = {a: s for a, s in self.seconds.items() if self._part(a) is part}
            if not found:
                continue
            slowest = max(found, key=lambda address: found[address])
            late = found[slowest] > part.most_minutes * 60
            warning = f", longer than the expected {part.most_minutes} min" if late else ""
            took = f"{found[slowest] // 60} min {found[slowest] % 60:02} s"
            yield f"  {part.name:<26}{took:>13}  {slowest} of {len(found)}{warning}"

    @staticmethod
    def _part(address: str) -> Part:
        return next((part for part in PARTS if part.holds(address)), PARTS[-1])


def _seconds(time: str) -> int:
    """Return the seconds of `1h2m3s`."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([hms])", time))
