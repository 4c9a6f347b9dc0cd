"""YAML with the types of JSON: string keys and no dates. A repeated key is an error."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tools.build.errors import BuildError


class _JsonLoader(yaml.CSafeLoader):
    """A loader that rejects repeated keys and keeps `2024-01-01` as text, unlike PyYAML's own."""

    yaml_implicit_resolvers = {  # noqa: RUF012  as in the base class
        first: [
            (tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"
        ]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    None, None, f"{key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        # A status code as a key is an integer in YAML and a string in JSON.
        return {str(key): value for key, value in super().construct_mapping(node, deep).items()}


def read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_bytes(), Loader=_JsonLoader)  # noqa: S506  a subclass of the safe loader
    except FileNotFoundError:
        raise BuildError(
            file, None, "It does not exist.", "Add it, or restore it from git."
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise BuildError(
            file, f"line {line}", f"{error.problem}.", "Correct the YAML there."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BuildError(file, None, f"It is not YAML: {error}.", "Correct it.") from None
    if not isinstance(content, dict):
        raise BuildError(file, None, "It is not a mapping.", "Start it with `key: value` lines.")
    return content


def convert[Kind](content: Any, kind: type[Kind], file: Path, field: str = "") -> Kind:
    """Return `content`, found at `field` in `file`, as a Struct.

    Raise BuildError if it is invalid.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise _named(file, field, str(error)) from None


def _named(file: Path, field: str, message: str) -> BuildError:
    """Return msgspec's message as field and reason.

    msgspec's form is "Object contains unknown field `vcp` - at `$.data`".
    """
    why, _, at = message.partition(" - at `")
    inner = at.rstrip("`").replace("key` in `", "").lstrip("$.")
    found = re.search("(unknown|required) field `(?P<name>.+)`", why)
    name = ".".join(filter(None, (field, inner, found["name"] if found else "")))
    if found is None:
        return BuildError(
            file, name or None, f"{why}.", "Correct it; docs/architecture.md lists the fields."
        )
    if found[1] == "unknown":
        return BuildError(
            file,
            name,
            "There is no such field.",
            "Remove it; docs/architecture.md lists the fields.",
        )
    return BuildError(file, name, "It is missing.", "Add it.")
