"""The attributes of GSI1 that list items about a user which are in other partitions.

An export and an erasure find the items by them.
"""

PREFIX = "ABOUT#"


def about(uid: str) -> dict[str, str]:
    """Return the attributes by which the index lists the item under the user."""
    return {"gsi1pk": f"{PREFIX}{uid}", "gsi1sk": uid}
