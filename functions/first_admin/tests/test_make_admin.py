"""`make admin` as an operator runs it."""

import json
import subprocess
import sys
from pathlib import Path

from tools.laptop.client import Client

ROOT = Path(__file__).resolve().parents[3]


def make_admin(email: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "tools.deploy.admin",
        "--env",
        "local",
        "--email",
        email,
        *options,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_signed_up_user_becomes_an_administrator_once(client: Client) -> None:
    person = client.new_member()
    made = make_admin(person.email.upper())
    assert made.returncode == 0, made.stderr
    assert client.call("GET", "/v1/me", person.token).status == 401  # a token from before is stale
    assert client.call("GET", "/v1/users", client.sign_in(person).token).status == 200
    again = make_admin(person.email, "--format", "json")
    assert json.loads(again.stdout) == {"uid": person.uid, "granted": False}
    held = client.aws("dynamodb").query(
        TableName=client.outputs.user_attributes_table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :role)",
        ExpressionAttributeValues={":pk": {"S": f"G#{person.uid}"}, ":role": {"S": "*#ROLE#"}},
    )
    assert held["Count"] == 1


def test_an_unknown_address_is_refused_with_the_advice_to_sign_up(client: Client) -> None:
    refused = make_admin("nobody@example.org")
    assert refused.returncode == 1
    assert "Sign up and confirm it first" in refused.stderr
    assert client.outputs.user_pool_client_id in refused.stderr


def test_an_invalid_address_is_refused() -> None:
    refused = make_admin("ada")
    assert refused.returncode == 1
    assert "EMAIL: email: Must be an e-mail address such as" in refused.stderr
