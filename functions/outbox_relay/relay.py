"""The relay of overdue commands: it sends a command again until the operation ends.

If the table already has the command, sending it again only touches the item, which triggers its
execution. The interval grows with each repeat. The number of repeats has no limit: a row stays in
the outbox until its command has an outcome.
"""

from atrium.identity import commands, outbox
from atrium.identity.commands import Command, LastAdminError
from atrium.runtime import log
from atrium.stores import user_table
from outbox_relay import erasure

AT_ONCE = 100


def send_due() -> int:
    """Return the number of commands sent. A failed one is repeated in its next turn."""
    due = outbox.take_due(AT_ONCE)
    return sum(_is_sent(command) for command in due)


def _is_sent(command: Command) -> bool:
    try:
        if command.command == outbox.ERASE_RECORDS:
            erasure.erase(command.id, command.arguments["uid"])
            return True
        commands.send(command)
    except LastAdminError:
        outbox.take_back(command, "Nobody else is an administrator.")
        return False
    except user_table.TableUnavailableError as error:
        log.write("ERROR", "command not sent", command=command.id, error=log.failure(error))
        return False
    log.write("WARN", "command sent again", command=command.id)
    return True
