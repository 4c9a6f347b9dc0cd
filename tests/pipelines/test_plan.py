"""`make plan`: what a reviewer reads of a plan."""

from tools.deploy.terraform.root import Change
from tools.operations.plan import as_markdown, counted


def test_a_resource_that_leaves_the_state_is_told() -> None:
    """A `removed` block plans the action forget."""
    changes = [Change("update", "a"), Change("forget", "b"), Change("delete", "c")]
    assert counted(changes) == "1 to destroy, 1 to forget, 1 to change."
    lines = as_markdown("dev", changes).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("| ") and "`" in line] == [
        "delete",
        "forget",
        "update",
    ]
