"""Rules of the merged contract: OpenAPI 3.0 and the limits of API Gateway."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.build import artefacts
from tools.build.errors import BuildError

Field = tuple[str, ...]


class Owners:
    """The source file of each part of the merged document, for error messages."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._files: dict[Field, Path] = {}

    def claim(self, field: Field, file: Path, *, is_free: bool) -> None:
        if not is_free:
            other = self.of(field)
            why = f"It is already in {other.parent.parent.name}/{other.parent.name}/{other.name}."
            raise BuildError(
                file, ".".join(field), why, "Rename one of them, or keep it in one place."
            )
        self._files[field] = file

    def of(self, field: Field) -> Path:
        """Return the file of this field, below `paths.<path>` or `components.<kind>.<name>`."""
        return self._files.get(field[:2]) or self._files.get(field[:3]) or self._shared


def check(document: dict[str, Any], owners: Owners, noted: Path | None) -> None:
    """Raise BuildError if the document breaks a rule.

    `noted` is a cache file: it has the digest of the last valid document, because the validation
    takes seconds.
    """
    _check_operation_ids(document["paths"], owners)
    _check_variables(document["paths"], owners)
    _check_references(document, owners)
    if noted is None:
        _check_specification(document, owners)
        return
    asked = artefacts.digest(json.dumps(document))
    if not noted.is_file() or noted.read_text() != asked:
        _check_specification(document, owners)
        artefacts.write(noted, asked.encode())


def _check_operation_ids(paths: dict[str, Any], owners: Owners) -> None:
    seen: dict[str, str] = {}
    for path, item in paths.items():
        for method, operation in item.items():
            name, route = operation["operationId"], f"{method.upper()} {path}"
            if name in seen:
                why = f"{name} is also the operationId of {seen[name]}."
                raise BuildError(
                    owners.of(("paths", path)), f"{route}.operationId", why, "Rename one of them."
                )
            seen[name] = route


def _check_variables(paths: dict[str, Any], owners: Owners) -> None:
    """Check variables in paths.

    API Gateway accepts a variable only as a whole segment, and only one name at the same position.
    """
    # the path before the variable, with variables as {} → the variable and its path
    known: dict[str, tuple[str, str]] = {}
    for path in paths:
        before = ""
        for segment in path.split("/"):
            if not re.fullmatch(r"\{\w+\}|[\w.:,-]*", segment):
                why = f"API Gateway does not support the segment {segment!r}."
                raise BuildError(
                    owners.of(("paths", path)), path, why, "Use a plain word or `{variable}`."
                )
            if segment.startswith("{"):
                variable, other = known.setdefault(before, (segment, path))
                if variable != segment:
                    why = f"{segment} stands where {other} has {variable}."
                    raise BuildError(
                        owners.of(("paths", path)), path, why, "Use one name at one position."
                    )
            before += "/{}" if segment.startswith("{") else f"/{segment}"


def _check_references(document: dict[str, Any], owners: Owners) -> None:
    for field, target in _references(document, ()):
        try:
            found: Any = document
            for key in target.removeprefix("#/").split("/"):
                found = found[key.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError):
            why = f"{target!r} leads nowhere."
            raise BuildError(
                owners.of(field), ".".join((*field, "$ref")), why, "Correct it, or add it."
            ) from None


def _references(node: Any, field: Field) -> Iterator[tuple[Field, str]]:
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            yield field, target
        for key, value in node.items():
            yield from _references(value, (*field, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _references(value, (*field, str(index)))


def _check_specification(document: dict[str, Any], owners: Owners) -> None:
    # Imported here: loading the validator takes longer than the rest of a build.
    from openapi_spec_validator import OpenAPIV30SpecValidator

    for error in OpenAPIV30SpecValidator(document).iter_errors():
        field = tuple(str(key) for key in error.absolute_path)
        why = f"It is not OpenAPI 3.0: {error.message}."
        raise BuildError(owners.of(field), ".".join(field) or None, why, "Correct it.")
