"""The code blocks of docs/guides, run against the stack as a reader would run them."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tools import ROOT
from tools.laptop.client import Client, Person
from tools.setup import python_client

python_client.ensure_current()

GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
QUICKSTART = GUIDES[0]
COMMANDS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
BLOCK = re.compile(r"^```(bash|python|javascript)\n(.*?)^```\n\n```text\n(.*?)^```$", re.M | re.S)


def newcomer(client: Client) -> dict[str, str]:
    """Return the environment of a reader who has an address but no account."""
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    account = {"EMAIL": f"guide-{uuid.uuid4().hex[:10]}@example.org", "PASSWORD": "Correct-Horse-7"}
    # As after `pip install atrium-client`.
    account["PYTHONPATH"] = str(python_client.PACKAGE.parent)
    return direct | account | {"API_URL": client.outputs.api_url}


@pytest.fixture(scope="module")
def environment(client: Client) -> dict[str, str]:
    """Return what the quickstart exports, on which the other guides build."""
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    code = "".join(
        code for name, code, _ in BLOCK.findall(QUICKSTART.read_text()) if name == "bash"
    )
    reader = newcomer(client)
    done = run("bash", code + "printenv TOKEN", reader)
    return reader | {"TOKEN": done.stdout.split()[-1], "ADMIN_TOKEN": admin.token}


def run(language: str, code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMANDS[language], code], env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_code_of_a_guide_prints_what_the_guide_says(
    guide: Path, client: Client, environment: dict[str, str]
) -> None:
    text = guide.read_text()
    blocks = BLOCK.findall(text)
    assert blocks, "a guide has code"
    marked = re.findall(r"^```(?:bash|python|javascript)$", text, re.M)
    assert len(blocks) == len(marked), "each block is followed by what it prints"
    reader = newcomer(client) if guide == QUICKSTART else environment
    # In the guide's order, because the quickstart signs up with curl.
    for language in dict.fromkeys(language for language, _, _ in blocks):
        code = "".join(code for name, code, _ in blocks if name == language)
        expected = "".join(printed for name, _, printed in blocks if name == language)
        done = run(language, code, reader)
        assert (done.returncode, done.stdout) == (0, expected), done.stderr
