"""`make picture`: the README's diagram, drawn from the plan, with forbidden connections in red."""

import copy
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from tools.deploy.terraform.offline_plan import Plan, of_kind
from tools.operations.picture.__main__ import ENVIRONMENT, THEMES, drawn, path
from tools.operations.picture.view import view

SVG = "{http://www.w3.org/2000/svg}"


def texts(plan: Plan) -> list[str]:
    image = ElementTree.fromstring(drawn("prod", view(plan), "light"))  # noqa: S314 — our own
    return ["".join(text.itertext()) for text in image.iter(f"{SVG}text")]


def wrong(plan: Plan) -> list[str]:
    """Return the labels of red arrows."""
    image = ElementTree.fromstring(drawn("prod", view(plan), "light"))  # noqa: S314 — our own
    groups = image.findall(f".//{SVG}g[@class='wrong']")
    return ["".join(text.itertext()) for group in groups for text in group.iter(f"{SVG}text")]


@pytest.mark.parametrize("theme", THEMES)
def test_the_diagram_in_the_readme_is_up_to_date(prod: Plan, theme: str) -> None:
    file = path(ENVIRONMENT, theme)
    assert file.read_text() == drawn(ENVIRONMENT, view(prod), theme), "Run make picture."


def test_both_environments_have_no_red_arrow(dev: Plan, prod: Plan) -> None:
    assert wrong(dev) == wrong(prod) == []
    assert "with a standby" in texts(prod)
    assert "one zone" in texts(dev)


def without(kind: str, name: str) -> Callable[[Plan], Plan]:
    return lambda plan: {
        address: known for address, known in plan.items() if f".{kind}.{name}" not in address
    }


@pytest.mark.parametrize(
    ("removed", "count"),
    [
        (without("aws_vpc_security_group_ingress_rule", "database_from_proxy"), 2),
        (without("aws_vpc_security_group_ingress_rule", "database_from_bastion"), 2),
        (without("aws_vpc_security_group_ingress_rule", "proxy_from_client"), 2),
    ],
)
def test_a_connection_that_the_plan_does_not_allow_has_no_arrow(
    prod: Plan, removed: Callable[[Plan], Plan], count: int
) -> None:
    assert texts(prod).count("5432") == 3
    assert texts(removed(prod)).count("5432") == count


def test_a_database_reachable_from_the_internet_is_red(prod: Plan) -> None:
    plan = copy.deepcopy(prod)
    for database in of_kind(plan, "aws_db_instance"):
        database["publicly_accessible"] = True
    name = "module.rds_proxy.aws_vpc_security_group_ingress_rule.database_from_proxy"
    plan["module.x.aws_vpc_security_group_ingress_rule.open"] = plan[name] | {
        "referenced_security_group_id": None,
        "cidr_ipv4": "0.0.0.0/0",
    }
    for address, known in prod.items():
        if ".aws_route_table_association.private" in address:
            public = address.replace("private", "public")
            plan[address] = known | {"route_table_id": prod[public]["route_table_id"]}
    assert "open: db_instance.this" in wrong(plan)
