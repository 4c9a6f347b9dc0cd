"""The repository's history and its files hold no key, token or password."""

import re
import subprocess

from tests.infra.protection import SECRET_VALUE
from tools import ROOT

# Values of AWS's documentation, beginnings without a key behind them, and invented passwords.
INVENTED = {
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "ASIAXXXXXXXXXXXXXXXX",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",  # its third part is the word signature
    "-----BEGIN OPENSSH PRIVATE KEY",
    "-----BEGIN RSA PRIVATE KEY",
    "://migrator:p%40ss@",
    "://migrator:secret@",
    "://migrator:<password>@",
    "://app:horse@",
}


def test_each_line_that_was_ever_added_is_free_of_secrets() -> None:
    history = subprocess.run(
        ["git", "log", "-p", "--no-color", "-U0", "--format=commit %h"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode(errors="replace")  # fmt: skip
    found, commit = [], ""
    for line in history.splitlines():
        if line.startswith("commit "):
            commit = line
        elif line.startswith("+"):
            values = {match[0] for match in re.finditer(SECRET_VALUE, line)}
            found += [f"{commit}: {value}" for value in sorted(values - INVENTED)]
    assert "+++ b/README.md" in history
    assert not found, "revoke it, then rewrite the history; an invented value goes to INVENTED"
