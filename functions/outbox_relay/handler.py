from typing import Any

from outbox_relay import administrators, expiry, relay


def handler(_event: dict[str, Any], _context: object = None) -> dict[str, int]:
    """Handle the schedule's event. Return counts of what was done."""
    done = {"sent": relay.send_due(), "keys_deleted": expiry.delete_expired_keys()}
    return done | {"administrators_checked": int(administrators.check())}
