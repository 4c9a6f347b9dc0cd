"""Fixtures for every test, including those in functions/*/tests.

The build puts a service's rules, and the registry of personal data, into its zip. Tests that run
the sources get the same ones from the builder.
"""

from functools import cache
from pathlib import Path

import msgspec

from atrium.identity import personal_data, rules
from tools.build import access_rules
from tools.build import personal_data as declared

pytest_plugins = ["tests.support.fixtures"]

_read = rules.read


def _of_source(file: str) -> rules.Rules:
    contract = Path(file).with_name("openapi.yaml")
    if not contract.is_file():
        return _read(file)
    return msgspec.json.decode(access_rules.rules(contract), type=dict[str, rules.Rule])


rules.read = _of_source


@cache
def _registry(_file: str) -> bytes:
    return declared.compiled(declared.read(Path(__file__).parent))


personal_data.document = _registry
