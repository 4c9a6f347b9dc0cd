"""The wheel and the sdist that are published to PyPI."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools import ROOT
from tools.deploy.errors import RefusedError
from tools.release import client_packages
from tools.setup.python_client import PACKAGE


def test_the_wheel_has_every_module_and_works_alone(tmp_path: Path) -> None:
    sdist, wheel = client_packages.pypi(ROOT, tmp_path)
    sources = {f"atrium_client/{file.name}" for file in PACKAGE.iterdir() if file.is_file()}
    with zipfile.ZipFile(wheel) as zipped:
        modules = {name for name in zipped.namelist() if name.startswith("atrium_client/")}
        [metadata] = [name for name in zipped.namelist() if name.endswith("/METADATA")]
        text = zipped.read(metadata).decode()
    assert modules - {"atrium_client/"} == sources
    assert {"atrium_client/py.typed", "atrium_client/operations.py"} < sources
    assert "](../" not in text
    with tarfile.open(sdist) as packed:
        packed_names = {name.partition("/src/")[2] for name in packed.getnames()}
    assert sources <= packed_names
    code = f"import sys; sys.path.insert(0, {str(wheel)!r}); import atrium_client as c; c.Atrium.read_me"
    subprocess.run([sys.executable, "-B", "-c", code], check=True)


def test_a_package_that_pypi_would_refuse_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "atrium_client-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as zipped:
        zipped.writestr(
            "atrium_client-0.1.0.dist-info/METADATA",
            "Metadata-Version: 2.4\nName: a b\nVersion: 1\n",
        )
    with pytest.raises(RefusedError, match="PyPI would refuse"):
        client_packages.require_valid(wheel)
