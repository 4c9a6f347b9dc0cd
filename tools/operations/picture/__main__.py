"""`make picture`: draw an environment's network, services and data from its plan, in docs/pictures."""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from tools import ROOT
from tools.deploy import command
from tools.deploy.terraform.offline_plan import planned
from tools.operations.picture.view import View, view

TEMPLATE = Path(__file__).with_name("picture.svg.jinja")
FOLDER = ROOT / "docs/pictures"
ENVIRONMENT = "prod"  # in the README
LINE, HEAD = 18, 38  # pixels of a box's line, and above its first


@dataclass(frozen=True)
class Ink:
    """The colours of a theme."""

    page: str
    frame: str
    box: str
    data: str
    person: str
    line: str
    text: str
    soft: str
    arrow: str
    wrong: str


THEMES = {
    "light": Ink(
        page="#ffffff",
        frame="#f6f8fa",
        box="#ffffff",
        data="#e8f1fd",
        person="#fff6e0",
        line="#afb8c1",
        text="#1f2328",
        soft="#57606a",
        arrow="#0a5cc2",
        wrong="#cf222e",
    ),
    "dark": Ink(
        page="#0d1117",
        frame="#161b22",
        box="#21262d",
        data="#12294a",
        person="#3a2f12",
        line="#484f58",
        text="#e6edf3",
        soft="#adb6c0",
        arrow="#79b8ff",
        wrong="#ff7b72",
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.picture", description=__doc__)
    parser.add_argument("environment", nargs="?", default=ENVIRONMENT, help="a folder of envs/")
    environment = parser.parse_args().environment
    return command.run("picture", lambda: write(environment))


def write(environment: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seen = view(planned(environment, Path(folder)))
    FOLDER.mkdir(exist_ok=True)
    for theme in THEMES:
        file = path(environment, theme)
        file.write_text(drawn(environment, seen, theme))
        print(file.relative_to(ROOT))


def path(environment: str, theme: str) -> Path:
    return FOLDER / f"{environment}-{theme}.svg"


def drawn(environment: str, seen: View, theme: str) -> str:
    """Return the SVG. It is 640 units wide, so that a phone shows its text at 8 pixels or more."""
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(TEMPLATE.read_text())
    functions = HEAD + LINE * len(seen.inside)
    vpc = max(functions + 108, 320)
    outside = max(HEAD + LINE * len(seen.outside), 80)
    below = 222 + vpc + 44
    svg = template.render(
        environment=environment,
        v=seen,
        ink=THEMES[theme],
        description=described(seen),
        ssh=f"SSH, {len(seen.ssh_ranges)} ranges" if seen.ssh_ranges else "SSM only",
        functions_height=functions,
        vpc_height=vpc,
        outside_height=outside,
        below=below,
        height=below + outside + 16,
    )
    return "\n".join(line for line in svg.splitlines() if line.strip()) + "\n"


def described(seen: View) -> str:
    """Return a description of the picture for readers who cannot see it."""
    return (
        "People sign in at the Cognito user pool and call the REST API Gateway with a token. Both "
        f"call functions: {len(seen.inside)} in private subnets, {len(seen.outside)} outside the "
        f"VPC. {seen.functions_reach_proxy} functions reach RDS Proxy, which reaches Postgres. "
        f"{seen.functions_reach_table} functions reach DynamoDB by an endpoint, and "
        f"{seen.functions_reach_internet} the internet. Operators reach Postgres by the bastion."
    )


if __name__ == "__main__":
    sys.exit(main())
