"""Secrets, which logs and traces must not contain, after all other tests on the stack."""

from collections.abc import Iterator
from pathlib import Path

from local_aws.settings import Settings
from tests.infra.protection import SECRET_VALUE
from tools.deploy import stack_outputs as outputs

PASSWORD_OF_TESTS = "Correct-Horse-7"  # the beginning of each password that tests sign in with


def test_no_password_and_no_token_was_logged(settings: Settings) -> None:
    passwords = (outputs.read(settings).admin_password, PASSWORD_OF_TESTS)
    read, found = 0, []
    for file, line in lines(settings.logs):
        read += 1
        secret = SECRET_VALUE.search(line)
        if secret or any(password in line for password in passwords):
            found.append(f"{file.name}: {secret[0][:20] if secret else 'a password'}")
    assert read > 1000, "the stages before this one have logged next to nothing"
    assert not found, "mask the value where it is logged"


def lines(folder: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            for line in file.read_text(errors="replace").splitlines():
                yield file, line
