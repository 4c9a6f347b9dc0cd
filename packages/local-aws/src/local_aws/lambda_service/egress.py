"""Egress rules: the network of a worker's own sockets, which `bootstrap.py` enforces."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from local_aws.lambda_service.deployed import DeployedFunction


@dataclass(frozen=True)
class Egress:
    """The egress rules of one function.

    - `open` lists the ports of this machine that the function may connect to. It may also connect
      to ports on which it listens itself.
    - `closed` maps other ports to the reason why they are closed.
    - `internet` is the reason why all other addresses are closed; None if they are open.
    """

    function: str
    open: tuple[int, ...] = ()
    closed: Mapping[int, str] = field(default_factory=dict)
    internet: str | None = None

    def argument(self) -> str:
        return json.dumps(asdict(self))


EgressOf = Callable[[DeployedFunction], Egress]
