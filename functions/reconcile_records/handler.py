"""The Lambda handler that `reconcile` invokes, a step at a time. All steps can be repeated.

{"step": "begin", "provider": …, "restart": false}     the pass: phase, position, found; or null
{"step": "compare", …, "accounts": […], "missing": […], "repair": false, "phase": …, "position": …}
{"step": "unseen", …, "after": <subject>}               identities that no page has had
{"step": "release", …}                                  lets another run go on
"""

from typing import Any

import msgspec

from reconcile_records import passes, reconciliation
from reconcile_records.drift import Account


def handler(event: dict[str, Any], _context: object = None) -> Any:
    provider = event["provider"]
    match event["step"]:
        case "begin":
            return passes.begin(provider, restart=event["restart"])
        case "unseen":
            return passes.unseen(provider, event["after"])
        case "release":
            return passes.release(provider)
        case "compare":
            accounts = msgspec.convert(event["accounts"], list[Account])
            return reconciliation.compare(
                provider,
                accounts,
                event["missing"],
                repair=event["repair"],
                then=(event["phase"], event["position"]),
            )
        case unknown:
            raise ValueError(f"step: {unknown!r} is unknown.")
