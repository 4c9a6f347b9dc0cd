"""Where a function's own sockets lead: what the laptop tells a worker of the network, and `bootstrap.py` holds it to."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from local_aws.lambda_service.deployed import DeployedFunction


@dataclass(frozen=True)
class Doors:
    """On this machine only the ports in `open` and what the function itself listens on; `closed` says why of others.

    `world` says why every other address is refused; None if nothing hinders.
    """

    function: str
    open: tuple[int, ...] = ()
    closed: Mapping[int, str] = field(default_factory=dict)
    world: str | None = None

    def argument(self) -> str:
        return json.dumps(asdict(self))


DoorsOf = Callable[[DeployedFunction], Doors]
