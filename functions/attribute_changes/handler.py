from atrium.stores.stream import stream
from attribute_changes.outcomes import take_up

handler = stream(take_up)
"""The Lambda handler of the table's stream: outcomes of commands."""
