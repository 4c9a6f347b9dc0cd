"""`make new-environment NAME=staging FROM=prod`: another environment, deployed before prod.

It copies envs/<FROM>, with a state, a stage and an address range of its own, and adds a job to the
deploy workflow. Everything else finds environments by their folders: commands, `make bootstrap`,
the plan workflow, tests.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from tools.deploy.errors import RefusedError
from tools.setup import template

LAST = "prod"
"""The environment that is deployed last."""
LOCK = ".terraform.lock.hcl"
WORKFLOW = Path(".github/workflows/deploy.yaml")
# `bootstrap` is another root, `local` is the laptop, and the account has roles named
# <project>-api-… and <project>-deploy-….
_TAKEN = ("api", "bootstrap", "deploy", "local")
_LONGEST = 16
_CIDR = re.compile(r'^(  cidr +=\s+)"(.+)"$', re.MULTILINE)
_STAGE = re.compile(r'^(  stage +=\s+)".+"$', re.MULTILINE)
_STATE_KEY = re.compile(r'"\w+/terraform\.tfstate"')
_RANGES = [IPv4Network(f"10.{number}.0.0/16") for number in range(40, 256, 10)]


def main() -> int:
    """Return the exit status: 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.setup.new_environment", description=__doc__
    )
    parser.add_argument("name", nargs="?", default="", help="of the environment, such as staging")
    parser.add_argument("--source", default=LAST, help=f"the environment to copy (default: {LAST})")
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the repository (default: this folder)"
    )
    options = parser.parse_args()
    root: Path = options.root.resolve()
    try:
        written = write(root, options.name, options.source)
    except RefusedError as refused:
        print(f"new-environment: {refused} Nothing was written.", file=sys.stderr)
        return 1
    print("\n".join(str(path.relative_to(root)) for path in written))
    print(
        f"\nRead envs/{options.name}/locals.tf, which has the values of {options.source}. Then run make bootstrap and create"
        f" the environment {options.name} in GitHub (docs/runbooks/first-deploy.md). Next: make plan ENV={options.name}"
    )
    return 0


def write(root: Path, name: str, source: str) -> list[Path]:
    """Write the files of the new environment and the workflow; return their paths.

    Raise RefusedError.
    """
    for why in _refusals(root, name, source):
        raise RefusedError(why)
    files = {
        root / "envs" / name / file.name: file.read_text()
        for file in _files(root / "envs" / source)
    }
    for path in files:
        if path.name == "backend.tf":
            files[path] = _STATE_KEY.sub(f'"{name}/terraform.tfstate"', files[path])
        if path.name == "locals.tf":
            files[path] = _CIDR.sub(
                rf'\g<1>"{_free_range(root)}"', _STAGE.sub(rf'\g<1>"{name}"', files[path])
            )
    files[root / WORKFLOW] = _with_job((root / WORKFLOW).read_text(), name)
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return sorted(files)


def _refusals(root: Path, name: str, source: str) -> Iterator[str]:
    existing = sorted(file.parent.name for file in (root / "envs").glob("*/main.tf"))
    if not name:
        yield "A name is missing: make new-environment NAME=staging."
    if not re.fullmatch(f"[a-z][a-z0-9]{{0,{_LONGEST - 1}}}", name):
        yield f"{name!r} is not lower-case letters and digits, such as staging, of up to {_LONGEST} characters."
    if name in _TAKEN:
        yield f"{name!r} is reserved. Choose another name."
    if (root / "envs" / name).exists():
        yield f"envs/{name} exists already."
    if source not in existing:
        yield f"FROM={source} is not an environment. FROM is one of: {', '.join(existing)}."


def _files(folder: Path) -> list[Path]:
    """Return the files of an environment that git tracks, without generated or local ones."""
    return [*sorted(folder.glob("*.tf")), folder / LOCK]


def _free_range(root: Path) -> IPv4Network:
    """Return an address range that no environment uses, because environments may be peered one day."""
    texts = [file.read_text() for file in (root / "envs").glob("*/locals.tf")]
    used = [ip_network(found[2]) for text in texts if (found := _CIDR.search(text))]
    for candidate in _RANGES:
        if not any(candidate.overlaps(other) for other in used):
            return candidate
    raise RefusedError("No range of 10.0.0.0/8 is free. Copy envs/prod by hand and choose a range.")


def _with_job(workflow: str, name: str) -> str:
    """Return the workflow with a job that deploys `name` after its predecessors and before LAST."""
    found = re.search(
        rf"^  {LAST}:\n(?:.*\n)*?    needs: \[build, (\w+)\]\n", workflow, re.MULTILINE
    )
    if found is None:
        raise RefusedError(f"{WORKFLOW} has no job {LAST} with `needs: [build, …]`.")
    [job] = template.render("environment", {"environment": name, "after": found[1]}).values()
    last = found[0].replace(f"[build, {found[1]}]", f"[build, {name}]")
    return workflow.replace(found[0], f"{job}\n{last}")


if __name__ == "__main__":
    sys.exit(main())
