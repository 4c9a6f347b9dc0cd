"""The code blocks of docs/guides, run against the stack as a reader would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import ROOT
from tools.laptop.client import Client, Person

GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
COMMANDS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
BLOCK = re.compile(r"^```(bash|python|javascript)\n(.*?)^```\n\n```text\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def environment(client: Client) -> dict[str, str]:
    reader = client.new_member()
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return direct | {
        "API_URL": client.outputs.api_url,
        "EMAIL": reader.email,
        "PASSWORD": reader.password,
        "TOKEN": reader.token,
        "ADMIN_TOKEN": admin.token,
    }


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_code_of_a_guide_prints_what_the_guide_says(
    guide: Path, environment: dict[str, str]
) -> None:
    text = guide.read_text()
    blocks = BLOCK.findall(text)
    assert blocks, "a guide has code"
    marked = re.findall(r"^```(?:bash|python|javascript)$", text, re.M)
    assert len(blocks) == len(marked), "each block is followed by what it prints"
    for language in {language for language, _, _ in blocks}:
        code = "".join(code for name, code, _ in blocks if name == language)
        expected = "".join(printed for name, _, printed in blocks if name == language)
        done = subprocess.run(
            [*COMMANDS[language], code], env=environment, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (0, expected), done.stderr
