"""Items like Atrium's."""

from collections.abc import Iterator

from local_aws.dynamodb.values import Item

PER_USER = 5


def items(count: int) -> Iterator[Item]:
    """Yield users with META, two attributes and two grants, which are in the index."""
    for user in range(count // PER_USER):
        pk = {"S": f"U#{user:08d}"}
        yield {
            "pk": pk,
            "sk": {"S": "META"},
            "status": {"S": "active"},
            "access_epoch": {"N": "1"},
            "version": {"N": "1"},
        }
        for name in ("theme", "language"):
            yield {
                "pk": pk,
                "sk": {"S": f"ATTR#ui#{name}"},
                "value": {"S": name * 3},
                "version": {"N": "1"},
            }
        for role in ("reader", "writer"):
            grant = {"gsi1pk": {"S": f"R#{role}{user % 500}"}, "gsi1sk": {"S": f"U#{user:08d}"}}
            yield {
                "pk": pk,
                "sk": {"S": f"ROLE#{role}#*#1"},
                "role": {"S": role},
                "scope": {"S": "*"},
                **grant,
            }
