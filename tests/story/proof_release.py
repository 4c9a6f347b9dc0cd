"""Deploys, releases and rollbacks of one service on the running stack (`make proof-pipelines`)."""

import shutil
import time

from tests.story.checkout import Checkout
from tests.story.releases import Alarm, live, load, newest, publish
from tools.laptop.client import Client

HEALTH = "functions/meta/health.py"
ANSWER = '{"status": "pass", "stage": config.required("ATRIUM_STAGE")}'
BROKEN = "pre_sign_up"  # code that fails at its import when deployed as meta


def test_the_code_of_one_service_goes_live_alone(deployed: Checkout, client: Client) -> None:
    before = {name: arn for name, arn in client.outputs.functions.items() if name != "meta"}
    versions = {name: newest(client, function) for name, function in before.items()}
    deployed.change(HEALTH, "def read(_: Request)", "NEW = True\n\n\ndef read(_: Request)")
    was = live(client)["version"]
    status, said = deployed.run("deploy", "local", "--service", "meta")
    assert status == 0, said
    assert f"{client.outputs.functions['meta']}: {was} → {int(was) + 1}" in said
    assert live(client) == {"version": str(int(was) + 1), "weights": {}}
    assert {name: newest(client, function) for name, function in before.items()} == versions
    # The same again shifts nothing.
    assert (
        "the built code is already live" in deployed.run("deploy", "local", "--service", "meta")[1]
    )


def test_a_version_that_fails_the_smoke_test_is_rolled_back(
    deployed: Checkout, client: Client
) -> None:
    was = live(client)
    deployed.change(HEALTH, ANSWER, '{"status": "fail"}')
    status, said = deployed.run("deploy", "local", "--service", "meta")
    assert status == 1, said
    assert "/v1/health: 200" in said
    assert "Rolled back:" in said
    assert live(client) == was
    assert client.call("GET", "/v1/health").json == {"status": "pass", "stage": "dev"}


def test_one_command_restores_the_previous_release_even_during_an_alarm(
    deployed: Checkout, client: Client, alarm: Alarm
) -> None:
    was = live(client)
    deployed.change(HEALTH, "def read(_: Request)", "OTHER = True\n\n\ndef read(_: Request)")
    assert deployed.run("deploy", "local", "--service", "meta")[0] == 0
    alarm.make()
    alarm.becomes("ALARM")
    status, said = deployed.run("rollback", "local")
    assert status == 0, said
    assert f"local is back at release {recorded(said)}" in said
    assert live(client) == was
    assert f"release {recorded(said)}" in deployed.run("rollback", "local", "--list")[1]


def recorded(said: str) -> str:
    return said.partition("back at release ")[2].split()[0]


def test_a_change_beyond_code_is_refused_with_every_reason(mine: Checkout, client: Client) -> None:
    was = newest(client, client.outputs.functions["meta"])
    mine.change(
        "functions/meta/function.yaml",
        "trigger: api\n",
        "trigger: api\nmemory: 512\ndata: {postgres: app}\n",
    )
    mine.change("functions/meta/openapi.yaml", "/v1/health:", "/v1/health:  # changed")
    mine.change("functions/atrium/http/text.py", '"""Types', '"""Changed. Types')
    (mine.folder / "migrations/9999_later.sql").write_text("SELECT 1;\n")
    status, said = mine.run("deploy", "local", "--service", "meta")
    assert status == 1
    for expected in (
        "meta cannot be deployed to local alone:",
        "functions/meta/function.yaml: data was applied as nothing, but is {'postgres': 'app'} now.",
        "functions/meta/function.yaml: memory was applied as nothing, but is 512 now.",
        "functions/meta/openapi.yaml, part of the contract, has changed since the last apply.",
        "the layer kernel (functions/atrium, or packages of pyproject.toml) has changed since the last apply.",
        "migrations/9999_later.sql is not applied there yet.",
        "Run `make deploy ENV=local`, which applies these changes too.",
    ):
        assert expected in said
    assert newest(client, client.outputs.functions["meta"]) == was
    mine.change("functions/atrium/http/text.py", '"""Changed. Types', '"""Types')


def test_a_service_that_was_never_applied_is_refused(mine: Checkout) -> None:
    folder = mine.folder / "functions/parcels"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "function.yaml").write_text("description: Parcels\n")
    (folder / "handler.py").write_text("def handler(event: object, context: object) -> None: ...\n")
    status, said = mine.run("deploy", "local", "--service", "parcels")
    assert status == 1
    assert "local has no such function yet" in said
    shutil.rmtree(folder)


def test_a_canary_with_an_alarm_is_rolled_back_and_one_without_goes_live(
    deployed: Checkout, client: Client, alarm: Alarm
) -> None:
    was = live(client)
    published = publish(client, deployed, BROKEN)

    status, said = deployed.run("release", "local", "--canary", "10")
    assert (status, live(client)) == (1, was), said
    assert "has no error alarm that a canary could watch" in said

    alarm.make()
    alarm.becomes("ALARM")
    status, said = deployed.run("release", "local", "--canary", "10")
    assert (status, live(client)) == (1, was), said
    assert "is already in alarm" in said

    alarm.becomes("OK")
    process = deployed.start("release", "local", "--canary", "10", "--watch", "600")
    while live(client) == was:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    assert live(client) == {"version": was["version"], "weights": {published: 0.1}}
    alarm.becomes("ALARM")
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 1
    assert f"{alarm.name} went off" in said
    assert live(client) == was

    alarm.becomes("OK")
    status, said = deployed.run("release", "local", "--canary", "10", "--watch", "0")
    assert (status, live(client)) == (1, was), said
    assert "only 0 calls reached the new versions" in said


def test_a_bad_canary_under_load_fails_only_its_share_of_the_requests(
    deployed: Checkout, client: Client, alarm: Alarm
) -> None:
    alarm.make()
    alarm.becomes("OK")
    was = live(client)
    publish(client, deployed, BROKEN)
    with load(client) as statuses:
        status, said = deployed.run("release", "local", "--canary", "10", "--watch", "20")
    assert status == 1, said
    assert "the canary failed, so every function was rolled back" in said
    assert live(client) == was
    assert statuses[200] + statuses[502] == statuses.total()
    assert statuses[502] < statuses.total() / 4, statuses  # its share is a tenth
    assert client.call("GET", "/v1/health").status == 200
