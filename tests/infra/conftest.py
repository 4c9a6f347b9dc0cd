import fcntl
import json
import os
from pathlib import Path

import pytest

from tools.deploy.terraform.offline_plan import Plan, planned


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned_once("dev", tmp_path_factory)


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned_once("prod", tmp_path_factory)


def planned_once(environment: str, folders: pytest.TempPathFactory) -> Plan:
    """Plan in the first pytest worker that needs the plan; the others read its file."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return planned(environment, folders.mktemp(environment))
    file: Path = (
        folders.getbasetemp().parent / f"{environment}.plan.json"
    )  # the folder that all workers of a run share
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            file.write_text(json.dumps(planned(environment, folders.mktemp(environment))))
    found: Plan = json.loads(file.read_text())
    return found
