"""`make deploy ENV=dev`: build, apply, migrate, shift and smoke-test, with rollback.

An apply publishes versions that no caller uses yet, so a failure before the shift affects nobody.
A failed shift or smoke test rolls back. `SERVICE=parcels` deploys the code of that service alone,
and refuses if more than code has changed or a migration is pending.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.deploy import (
    artefacts,
    command,
    environment,
    live_alias,
    published_versions,
    release,
    release_records,
    release_store,
    stack_settings,
    stored_plan,
    tested_sql,
)
from tools.deploy.canary import Canary
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift
from tools.deploy.release_store import ReleaseStore
from tools.deploy.terraform import root as terraform
from tools.deploy.terraform.root import Plan, Root
from tools.operations import plan_guard, preflight, preflight_subject, single_service, smoke

# An interrupted or concurrent run may have moved aliases before this one.
NOTHING_TO_TAKE_BACK = (
    "This run released no function, so nothing was rolled back. The fault existed before, or the apply caused it. "
    "Read the functions' log groups, correct the fault and deploy again."
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.deploy", description=__doc__)
    parser.add_argument("environment", nargs="?", default="", help="local, dev, prod, …")
    parser.add_argument(
        "--service", default="", help="a folder of functions/, to deploy its code alone"
    )
    parser.add_argument(
        "--artefacts",
        metavar="DIGEST",
        help="deploy build/ without building, if it has this digest",
    )
    parser.add_argument(
        "--plan", default="", metavar="RUN", help="apply the plan that this run kept"
    )
    parser.add_argument("--sha256", default="", help="of that plan, as its run said")
    parser.add_argument("--yes", action="store_true", help="apply without a question")
    release.add_canary_options(parser)
    options = parser.parse_args()
    return command.run("deploy", lambda: deploy(options))


def deploy(options: argparse.Namespace) -> None:
    """Deploy an environment, or one service of it. Raise an error that `command.run` prints."""
    name = environment.chosen(options.environment)
    canary = release.chosen_canary(options)
    local = name == environment.LOCAL
    if options.service:
        single_service.require_service(options.service)
        target = environment.environment(name)
        store = release_store.of(target)
        tested_sql.require_checkout(store.schema())
        _build(options.artefacts, local=local)
        with store.lock(f"deploy of {options.service}"):
            release.observe(target, store)
            shifts = single_service.deploy(target, options.service, canary)
            _print_shifts(shifts)
            before = store.releases()[-1].sql
            sql = tested_sql.of_checkout().with_service(before, options.service)
            _end(target, store, shifts, sql=sql)
    elif local:
        target = _up()
        store = release_store.of(target)
        with store.lock("deploy"):
            _end(target, store, [])
    else:
        _everything(name, options, canary)


def _end(target: Environment, store: ReleaseStore, shifts: list[Shift], **known: object) -> None:
    """Smoke-test and record the release, then prune what no rollback needs."""
    _smoke(target, shifts)
    release.record(target, store, **known)
    _prune(target, store)


def _up() -> Environment:
    """Deploy to the laptop, by `make up`."""
    from tools.laptop.stack.up import up

    up(stack_settings.asked())
    return environment.environment(environment.LOCAL)


def _everything(name: str, options: argparse.Namespace, canary: Canary | None) -> None:
    root = terraform.root(name)  # reports a wrong configuration before the build
    preflight.require(preflight_subject.of_configuration(root.configuration))
    artefacts.require_or_build(options.artefacts)
    store = release_store.of_configuration(root.configuration)
    tested_sql.require_checkout(store.schema())
    with store.lock("deploy"):
        root.init()
        with _plan(root, store, options) as plan:
            findings = plan_guard.findings(plan.changes)
            acknowledged = plan_guard.acknowledgements(name) if findings else []
            known: dict[str, object] = {
                "acknowledged": plan_guard.require(name, findings, acknowledged),
                "plan": hashlib.sha256(plan.file.read_bytes()).hexdigest(),
            }
            command.confirm(name, confirmed=options.yes or not plan.changes)
            root.apply(plan)
        store.set_applied_commit(release_records.commit())
        target = environment.environment(name)
        _publish_as_built(target)
        shifts = release.release(target, store, canary)
        _end(target, store, shifts, artefacts=artefacts.digest(artefacts.BUILD), **known)


@contextmanager
def _plan(root: Root, store: ReleaseStore, options: argparse.Namespace) -> Iterator[Plan]:
    """Yield the stored plan that was reviewed, or a new one. A stale one is refused."""
    if not options.plan:
        with root.plan(lock=True) as plan:
            yield plan
        return
    with tempfile.TemporaryDirectory() as private:
        file = stored_plan.fetch(store, options.plan, options.sha256, Path(private))
        yield root.read_plan(file)


def _build(digest: str | None, *, local: bool) -> None:
    if digest is not None or not local:
        artefacts.require_or_build(digest)
    else:
        artefacts.build(local=True)


def _publish_as_built(target: Environment) -> None:
    """Publish functions whose code differs from `build/`, which Terraform does not detect."""
    functions: Mapping[str, str] = target.output("functions")
    for folder, function in functions.items():
        code = (artefacts.BUILD / "functions" / f"{folder}.zip").read_bytes()
        live_alias.publish(target.client("lambda"), function, code)


def _smoke(target: Environment, shifts: list[Shift]) -> None:
    try:
        smoke.smoke(target)
    except RefusedError as error:
        live_alias.undo(target.client("lambda"), shifts)
        taken_back = ", ".join(f"{one.function} {one.after} → {one.before}" for one in shifts)
        raise RefusedError(
            f"{error}\n" + (f"Rolled back: {taken_back}." if shifts else NOTHING_TO_TAKE_BACK)
        ) from error


def _prune(target: Environment, store: ReleaseStore) -> None:
    """Prune old versions; call it after the smoke test, since a rollback needs them."""
    functions: Mapping[str, str] = target.output("functions")
    recorded = [one.functions for one in store.releases()[-published_versions.KEPT :]]
    deleted = published_versions.prune(target.client("lambda"), functions.values(), recorded)
    if deleted:
        count = sum(map(len, deleted.values()))
        print(f"pruned {count} published versions of {len(deleted)} functions that no alias names.")


def _print_shifts(shifts: list[Shift]) -> None:
    for one in shifts:
        print(f"{one.function}: {one.before} → {one.after}")
    if not shifts:
        print("the built code is already live.")


if __name__ == "__main__":
    sys.exit(main())
