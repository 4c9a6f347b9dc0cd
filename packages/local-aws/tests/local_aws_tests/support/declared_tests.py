"""The tests that a declared behaviour names, and whether they exist."""

import re
from pathlib import Path

from local_aws.fidelity import Behaviour


def missing(behaviour: Behaviour, folder: Path) -> list[str]:
    """Return the named tests that do not exist. A name is `file.py` or `file.py::test_name`."""
    return [name for name in behaviour.tests if not _exists(name, folder)]


def _exists(name: str, folder: Path) -> bool:
    path, _, function = name.partition("::")
    file = folder / path
    found = re.findall(r"^def (test_\w+)", file.read_text(), re.M) if file.is_file() else []
    return function in found if function else bool(found)
