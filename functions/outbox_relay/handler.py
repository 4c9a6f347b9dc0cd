from typing import Any

from outbox_relay import administrators, erasure, expiry, relay


def handler(_event: dict[str, Any], _context: object = None) -> dict[str, int]:
    """Handle the schedule's event. Return counts of what was done."""
    started = erasure.start_due()
    done = {"sent": relay.send_due(), "rows_deleted": expiry.delete_expired_rows()}
    checked = int(administrators.check())
    return done | {"erasures_started": started, "administrators_checked": checked}
