from atrium.stores.stream import stream
from attribute_changes.outcomes import handle_outcome

handler = stream(handle_outcome)
"""The Lambda handler of the table's stream: outcomes of commands."""
