"""SBOMs of artefacts: valid CycloneDX, bound to the zip's bytes, with every package in it."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft7Validator
from rfc3986_validator import validate_rfc3986

from tests.build.repository import finish, start
from tools.setup.lock import names

ARTEFACTS = ["functions/notes", "functions/keeper", "layer/arm64/kernel", "layer/x86_64/sdk"]


def is_iri_reference(instance: object) -> bool:
    """Return True for a URI reference. An IRI in ASCII is one, and all of ours are ASCII."""
    return not isinstance(instance, str) or bool(validate_rfc3986(instance, "URI_reference"))


Draft7Validator.FORMAT_CHECKER.checks("iri-reference")(is_iri_reference)


def sbom(root: Path, artefact: str) -> Any:
    return json.loads((root / f"build/sbom/{artefact}.cdx.json").read_text())


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_the_sbom_is_valid_cyclonedx(built: tuple[Path, Path], artefact: str) -> None:
    text = (built[0] / f"build/sbom/{artefact}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_an_sbom_with_an_invalid_address_is_refused(built: tuple[Path, Path]) -> None:
    changed = sbom(built[0], "layer/arm64/kernel")
    changed["externalReferences"] = [{"type": "website", "url": "https://exa mple.org/"}]
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(changed))
    assert error
    assert "https://exa mple.org/" in str(error)


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_the_sbom_contains_the_hash_of_the_zip(built: tuple[Path, Path], artefact: str) -> None:
    zipped = (built[0] / f"build/{artefact}.zip").read_bytes()
    subject = sbom(built[0], artefact)["metadata"]["component"]
    assert subject["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(zipped).hexdigest()}]


@pytest.mark.parametrize(
    ("artefact", "lock"), [("layer/arm64/kernel", "kernel"), ("layer/arm64/sdk", "sdk")]
)
def test_the_sbom_has_every_locked_package_with_a_licence(
    built: tuple[Path, Path], artefact: str, lock: str
) -> None:
    components = sbom(built[0], artefact)["components"]
    assert {re.split("[:/@]", one["purl"])[2] for one in components} == names(
        built[0] / f"requirements/{lock}.txt"
    )
    assert [one["name"] for one in components if not one["licenses"]] == []


def test_the_sbom_lists_the_dependencies_of_each_package(built: tuple[Path, Path]) -> None:
    needs = {
        one["ref"].partition("@")[0]: one["dependsOn"]
        for one in sbom(built[0], "layer/arm64/kernel")["dependencies"]
    }
    assert [one.partition("@")[0] for one in needs["pkg:pypi/scramp"]] == ["pkg:pypi/asn1crypto"]
    assert sbom(built[0], "functions/notes")["components"] == []


def test_a_changed_zip_has_another_sbom(again: Path) -> None:
    before = sbom(again, "functions/notes")
    (again / "functions/notes/note.py").write_text("read = write = health = None\n")
    assert finish(start(again, "--local", UV="/nowhere/uv")).status == 0
    after = sbom(again, "functions/notes")
    assert after["serialNumber"] != before["serialNumber"]
    digest = hashlib.sha256((again / "build/functions/notes.zip").read_bytes()).hexdigest()
    assert after["metadata"]["component"]["hashes"][0]["content"] == digest
