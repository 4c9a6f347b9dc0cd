"""SCRAM verifiers, compared with those of scramp, the library that pg8000 uses.

A test in tests/pooling logs in to a real Postgres with one.
"""

import base64
import re

from scramp import ScramMechanism

from db_credentials import scram


def test_the_verifier_is_scramps_for_the_same_salt() -> None:
    made = re.fullmatch(r"SCRAM-SHA-256\$(\d+):(.+)\$(.+):(.+)", scram.verifier("pass word~1"))
    assert made
    iterations, salt, stored_key, server_key = made.groups()
    _, expected_stored, expected_server, _ = ScramMechanism("SCRAM-SHA-256").make_auth_info(
        "pass word~1", iteration_count=int(iterations), salt=base64.b64decode(salt)
    )
    assert base64.b64decode(stored_key) == expected_stored
    assert base64.b64decode(server_key) == expected_server


def test_every_verifier_has_its_own_salt() -> None:
    assert scram.verifier("same") != scram.verifier("same")
