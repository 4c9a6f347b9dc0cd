"""A small stack that starts, answers and stops in every shell and below every path (`make
proof-shells`).
"""

import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from local_aws.supervisor.ports import free_ports
from tests.laptop.shells import cases
from tests.laptop.shells.cases import Shell, make

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "packages/local-aws/examples/hello"
PLAIN = Shell("plain")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with tempfile.TemporaryDirectory() as any_folder:
    NAMES = [shell.name for shell in cases.all_of(Path(any_folder))]
PATHS = (
    "with spaces",
    "ünïcode — 漢字",
    "combining e\N{COMBINING ACUTE ACCENT}",
    "it's (one) & [two]; #3 %4",
    "%{if} 100%",
    "long-" * 30,
    "-leading-hyphen",
    "line.tf/.hidden",
)


def works(checkout: Path, root: Path, shell: Shell) -> None:
    """Start the stack in this shell, send a request, and stop it."""
    _link_runtime(root / ".local-aws/runtime")
    api, aws = free_ports()
    options = (f"HELLO={root}", f"API_PORT={api}", f"AWS_PORT={aws}")
    up = make(checkout, shell, "hello-up", *options)
    assert up.returncode == 0, up.stderr
    try:
        state = json.loads((root / ".local-aws/terraform/root.tfstate").read_text())
        path = state["outputs"]["path"]["value"]
        with DIRECT.open(f"http://127.0.0.1:{api}{path}", timeout=60) as answer:
            assert json.load(answer)["message"] == "Hello, Ada!"
    finally:
        # the command finds the ports itself
        down = make(checkout, shell, "hello-down", *options[:1])
    assert (down.returncode, down.stdout) == (0, "Stopped.\n"), down.stderr


def _link_runtime(folder: Path) -> None:
    """Link the packages of AWS's runtime, which are in two folders of .venv."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True)
    packages = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"):
        (folder / name).symlink_to(packages / name)
    for each in (ROOT / ".venv/lambda-runtime").iterdir():
        if not (folder / each.name).exists():
            (folder / each.name).symlink_to(each)


def copied(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".*"))
    return folder


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return one root for all shells, so that later ones start from a snapshot."""
    root = copied(tmp_path_factory.mktemp("shells") / "hello")
    yield root
    make(ROOT, PLAIN, "hello-reset", f"HELLO={root}")


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_the_stack_works_in_a_shell(number: int, hello: Path, tmp_path: Path) -> None:
    works(ROOT, hello, cases.all_of(tmp_path)[number])


@pytest.mark.parametrize("name", PATHS)
def test_the_stack_works_below_a_path(name: str, tmp_path: Path) -> None:
    root = copied(tmp_path / name)
    works(ROOT, root, PLAIN)
    make(ROOT, PLAIN, "hello-reset", f"HELLO={root}")


@pytest.mark.parametrize("kind", ["spaces and letters", "link", "autocrlf"])
def test_the_stack_works_in_a_clone(kind: str, tmp_path: Path) -> None:
    """Use a clone with an environment of its own."""
    checkout = tmp_path / "mit Leerzeichen, ünïcode 'n'"
    options = ("-c", "core.autocrlf=true") if kind == "autocrlf" else ()
    subprocess.run(["git", *options, "clone", "-q", ROOT, checkout], check=True)
    if kind == "link":
        (tmp_path / "link").symlink_to(checkout)
        checkout = tmp_path / "link"
    works(checkout, copied(tmp_path / "hello"), PLAIN)
    assert json.loads(make(checkout, PLAIN, "status", "FORMAT=json").stdout) == {"state": "down"}
    make(checkout, PLAIN, "hello-reset", f"HELLO={tmp_path / 'hello'}")
