"""The list of items about a user that are in other partitions, for export and erasure: GSI1."""

PREFIX = "ABOUT#"


def about(uid: str) -> dict[str, str]:
    """Return the attributes that put an item into the user's list."""
    return {"gsi1pk": f"{PREFIX}{uid}", "gsi1sk": uid}
