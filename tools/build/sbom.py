"""The SBOM of an artefact in CycloneDX format, read from the zip and bound to it by its hash.

It is written as plain JSON, because importing the library cyclonedx takes longer than a build.
Tests validate it by that library against the published schema. https://cyclonedx.org/docs/1.6/json/
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from tools.build import artefacts
from tools.build.archive import read_members

_METADATA = ".dist-info/METADATA"
_CLASSIFIED = "License :: "


def artefact(build: Path, zipped: Path) -> artefacts.Artefact:
    """Return the SBOM of a zip: `build`/sbom/<path of the zip in build>.cdx.json."""
    name = zipped.relative_to(build).with_suffix("")
    content = zipped.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return artefacts.Artefact(
        path_of(build, zipped),
        artefacts.digest(str(name), digest),
        lambda: _document(name.as_posix(), content, digest),
    )


def path_of(build: Path, zipped: Path) -> Path:
    return build / "sbom" / zipped.relative_to(build).with_suffix(".cdx.json")


def _document(name: str, content: bytes, digest: str) -> bytes:
    metadata = read_members(content, lambda path: path.endswith(_METADATA))
    packages = [HeaderParser().parsestr(text.decode()) for _, text in sorted(metadata.items())]
    references = {_normalised(package["Name"]): _purl(package) for package in packages}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # Derived from the content, and without a time, so that the same zip has the same SBOM.
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}").urn,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": name,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": [_component(package) for package in packages],
        "dependencies": [
            {"ref": name, "dependsOn": sorted(references.values())},
            *(
                {"ref": _purl(package), "dependsOn": _needs(package, references)}
                for package in packages
            ),
        ],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _component(package: Message) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package["Name"],
        "version": package["Version"],
        "purl": _purl(package),
        "licenses": list(_licences(package)),
    }


def _normalised(name: str) -> str:
    """Return the normalised name of a package (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _purl(package: Message) -> str:
    return f"pkg:pypi/{_normalised(package['Name'])}@{package['Version']}"


def _licences(package: Message) -> Iterator[dict[str, Any]]:
    """Return the wheel's SPDX expression (PEP 639), or else the licence names in its metadata."""
    if expression := package["License-Expression"]:
        yield {"expression": expression}
        return
    classified = [
        one.rpartition(" :: ")[2]
        for one in package.get_all("Classifier", [])
        if one.startswith(_CLASSIFIED)
    ]
    free_text = (package["License"] or "").strip()
    # Some wheels have the whole text of the licence there. Then the classifiers name it.
    for name in classified if "\n" in free_text or not free_text else [free_text]:
        yield {"license": {"name": name}}


def _needs(package: Message, references: dict[str, str]) -> list[str]:
    """Return the package's requirements that are in the same zip."""
    # Imported here: it takes a fifth of a build without changes.
    from packaging.requirements import Requirement

    required = (Requirement(text) for text in package.get_all("Requires-Dist", []))
    wanted = (one for one in required if one.marker is None or one.marker.evaluate({"extra": ""}))
    return sorted(
        {references[name] for one in wanted if (name := _normalised(one.name)) in references}
    )
