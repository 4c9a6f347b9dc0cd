"""Commands whose operation should have ended by now are sent again: to the table if they never came there, else as a
reminder of them. Each comes back later and later, and for ever: an outcome is all that takes a row from the outbox."""

from atrium.runtime import log
from atrium.stores import commands, outbox, user_attributes
from atrium.stores.commands import Command, LastAdminError

AT_ONCE = 100


def send_due() -> int:
    """How many were sent. Whatever fails has its next turn."""
    due = outbox.take_due(AT_ONCE)
    return sum(_is_sent(command) for command in due)


def _is_sent(command: Command) -> bool:
    try:
        commands.send(command)
    except LastAdminError:
        outbox.take_back(command, "Nobody else is an administrator.")
        return False
    except user_attributes.Unavailable as error:
        log.write("ERROR", "command not sent", command=command.id, error=log.failure(error))
        return False
    log.write("WARN", "command sent again", command=command.id)
    return True
