"""Provider sources of `terraform init`: Terraform's own places first, then a mirror on the machine."""

import os
from pathlib import Path

import pytest

from local_aws.terraform import providers


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a machine with an empty home and one add-on root."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(providers, "ADDON_ROOTS", (str(tmp_path / "opt"),))
    return tmp_path


def mirror(folder: Path) -> Path:
    (folder / providers.PROVIDER).mkdir(parents=True)
    return folder


def test_a_mirror_in_an_add_on_folder_is_configured(machine: Path) -> None:
    found = mirror(machine / "opt" / "somebody" / "plugins")
    environment = providers.environment(machine / "state")
    assert f'path    = "{found}"' in Path(environment["TF_CLI_CONFIG_FILE"]).read_text()


def test_terraforms_own_mirror_folder_needs_no_configuration(machine: Path) -> None:
    mirror(machine / "opt" / "somebody")
    mirror(machine / "home" / ".terraform.d" / "plugins")
    assert providers.environment(machine / "state") == {}


def test_an_existing_cli_configuration_is_unchanged(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(machine / "opt")
    config = machine / "my.rc"
    config.touch()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))
    assert providers.environment(machine / "state") == {}


def test_a_configuration_that_names_a_missing_file_is_replaced(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(machine / "missing.rc"))
    assert providers.environment(machine / "state") == {"TF_CLI_CONFIG_FILE": os.devnull}
    found = mirror(machine / "opt")
    environment = providers.environment(machine / "state")
    assert str(found) in Path(environment["TF_CLI_CONFIG_FILE"]).read_text()
