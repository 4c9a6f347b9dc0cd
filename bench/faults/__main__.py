"""`python -m bench.faults [--write]`: each fault of each dependency, under light load."""

import argparse
import sys
import time
from pathlib import Path

from bench.faults import cell, page
from bench.faults.cell import Cell
from bench.faults.load import PERMISSIONS, People, callers
from local_aws.faults import Dependency, Kind
from local_aws.faults.switch import NOT_APPLICABLE
from local_aws.supervisor.ready import StackError
from tools.deploy import stack_settings
from tools.laptop.client import Client, Person, client_of

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
CACHE_SECONDS = 31  # containers may know a revoked role for 30 s


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make this run docs/faults.md")
    options = parser.parse_args()
    settings = stack_settings.from_environment()
    try:
        client = client_of(settings)
        people = _people(client)
    except StackError as error:
        sys.exit(f"make proof-faults: {error}")
    cells: list[Cell] = []
    for dependency in Dependency:
        for kind in Kind:
            if (dependency, kind) not in NOT_APPLICABLE:
                cells.append(cell.run(settings, client, people, (dependency, kind)))
                print(page.row(cells[-1]), flush=True)
    if options.write:
        PAGE.write_text(page.page(cells))
    wrong = sum(bool(each.complaints()) for each in cells)
    print(f"{len(cells)} cells, {wrong} with complaints; {len(NOT_APPLICABLE)} not applicable")
    return 1 if wrong else 0


def _people(client: Client) -> People:
    """Return the callers, once each of them has its normal answer."""
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    revoked = client.new_holder("faults-holder", PERMISSIONS)
    table = client.aws("dynamodb")
    name = client.outputs.user_attributes_table
    key = {"pk": {"S": f"G#{revoked.uid}"}, "sk": {"S": "*#ROLE#faults-holder"}}
    with client.database() as database:
        database.run("UPDATE coffees SET stock = 100000000")
        [[coffee]] = database.run("SELECT id FROM coffees LIMIT 1")
    member = client.new_member()
    placed = callers(client, People(admin, member, revoked, str(coffee), ""))[0]
    placed.once()
    [order] = placed.acknowledged
    people = People(admin, member, revoked, str(coffee), order)
    before = _asked_twice(client, people)
    assert before <= {"200", "201"}, f"the revoked user's role has no effect: {before}"
    table.delete_item(TableName=name, Key=key)
    table.update_item(
        TableName=name,
        Key={"pk": {"S": f"U#{revoked.uid}"}, "sk": {"S": "META"}},
        UpdateExpression="ADD access_epoch :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    time.sleep(CACHE_SECONDS)
    after = _asked_twice(client, people)
    assert after <= {"401", "403"}, f"the revocation has no effect: {after}"
    return people


def _asked_twice(client: Client, people: People) -> set[str]:
    """Return the answers to the two kinds of request of the revoked user."""
    asker = callers(client, people)[-1]
    return {asker.once(), asker.once()}


if __name__ == "__main__":
    sys.exit(main())
