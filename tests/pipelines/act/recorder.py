"""A recorder of the actions of a workflow's job: `recorder.py KIND key=value…` or `recorder.py make
TARGET`.

It runs in place of make, of the actions and of AWS's check of a role's trust policy.
"""

import json
import os
import sys
from pathlib import Path

PASSED = (
    "ENV", "ARTEFACTS", "EXPECT", "PLAN", "PLAN_SHA256", "PLAN_BASE", "KEEP", "GUARD", "CANARY", "TO", "SERVICE",
    "BASE", "PULL", "TAG",
)  # fmt: skip
DIGEST = "d1g357"


def main() -> int:
    kind, *words = sys.argv[1:]
    details = dict(word.partition("=")[::2] for word in words)
    if kind == "make":
        words = [word for word in words if not word.startswith("-")]
        passed = {name: os.environ[name] for name in PASSED if os.environ.get(name)}
        given = {name: value for name, value in details.items() if name in PASSED and value}
        details = {"target": words[0]} | passed | given
        if not os.environ.get("REAL"):  # the target itself also runs, and answers
            answer(words[0])
    note(kind, details)
    if kind == "assume" and not admitted(details["role"]):
        print("Not authorized to perform sts:AssumeRoleWithWebIdentity", file=sys.stderr)
        return 1
    failing = os.environ.get("FAILING", "")  # TARGET or TARGET ENV
    return int(kind == "make" and failing in (words[0], f"{words[0]} {os.environ.get('ENV')}"))


def note(kind: str, details: dict[str, str]) -> None:
    job = os.environ.get("GITHUB_JOB", "")
    with Path(os.environ["RECORDS"]).open("a") as file:
        file.write(json.dumps({"job": job, "kind": kind} | details) + "\n")


def answer(target: str) -> None:
    """Write the outputs that later steps and jobs read from a target."""
    environment = os.environ.get("ENV", "")
    if target == "build":
        Path("build").mkdir(exist_ok=True)
        Path("build/openapi.json").write_text("{}")
    if target == "artefacts":
        print("" if os.environ.get("NO_DIGEST") else DIGEST)
    if target == "environments":
        names = ("dev", "prod")
        print(
            json.dumps(
                [
                    {"environment": name, "account": f"{name.upper()}_AWS_ACCOUNT_ID"}
                    for name in names
                ]
            )
        )
    if target == "deployed-commit":
        print("HEAD")
    if target == "plan":
        output("sha256", f"sha256-of-{environment}")
        if text := os.environ.get("TEXT"):
            Path(text).write_text(f"### {environment}: 1 to add.\n")
    if target == "cost":
        Path(os.environ["TEXT"]).write_text("\n**Cost.** +0.00\n")
    if target == "release-assets":
        Path("release/assets").mkdir(parents=True)
        Path("release/assets/users.zip").touch()


def output(name: str, value: str) -> None:
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as file:
        file.write(f"{name}={value}\n")


def admitted(role: str) -> bool:
    """Return True if the role's trust policy admits the subject and ref of this job's token."""
    trust = json.loads(Path(os.environ["TRUST"]).read_text())[role.rpartition("/")[2]]
    environment = os.environ.get("ENVIRONMENT", "") if "-deploy-" in role else ""
    ref, event = os.environ["GITHUB_REF"], os.environ["GITHUB_EVENT_NAME"]
    if environment:
        kind = f"environment:{environment}"
    else:
        kind = "pull_request" if event == "pull_request" else f"ref:{ref}"
    subject = f"{os.environ['SUBJECT']}:{kind}"
    wanted = trust["Statement"][0]["Condition"]["StringEquals"]
    claims = "token.actions.githubusercontent.com"
    return subject in wanted[f"{claims}:sub"] and wanted.get(f"{claims}:ref", ref) == ref


if __name__ == "__main__":
    sys.exit(main())
