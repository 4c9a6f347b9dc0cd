"""Fixtures for releases on the running stack."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.checkout import Checkout, checkout
from tests.story.releases import Alarm
from tools.laptop.client import Client


@pytest.fixture
def mine(tmp_path: Path) -> Checkout:
    return checkout(tmp_path)


@pytest.fixture
def deployed(mine: Checkout) -> Iterator[Checkout]:
    """Restore the code of meta after the test, with the command that deploys one service."""
    kept = mine.folder / "as_it_was"
    shutil.copytree(mine.folder / "functions/meta", kept)
    yield mine
    shutil.rmtree(mine.folder / "functions/meta")
    kept.rename(mine.folder / "functions/meta")
    status, said = mine.run("deploy", "local", "--service", "meta")
    assert status == 0, said


@pytest.fixture
def alarm(client: Client) -> Iterator[Alarm]:
    alarm = Alarm(client.aws("cloudwatch"), f"{client.outputs.functions['meta']}-errors")
    yield alarm
    alarm.cloudwatch.delete_alarms(AlarmNames=[alarm.name])
