from atrium.stores.stream import stream
from identity_commands.performance import perform

handler = stream(perform)
"""The Lambda handler of the table's stream. It executes commands that have no outcome yet."""
