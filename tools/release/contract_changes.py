"""`make contract-changes BASE=<commit>`: find changes of the contract that break its clients.

A client breaks if a request that was accepted is refused, or if an answer lacks what it had. Such a
change needs another `info.version` in functions/atrium/openapi.yaml.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools import ROOT
from tools.deploy import command
from tools.deploy.errors import RefusedError

PARTS = "functions/*/openapi.yaml"
METHODS = ("delete", "get", "patch", "post", "put")
Schema = Mapping[str, Any]
UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
DEEPEST = 12  # schemas may be recursive


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release.contract_changes", description=__doc__
    )
    parser.add_argument("base", help="the commit to compare with")
    base = parser.parse_args().base
    return command.run("contract-changes", lambda: require(of_commit(ROOT, base), of_tree(ROOT)))


def of_tree(root: Path) -> Schema:
    return _merged(file.read_text() for file in sorted(root.glob(PARTS)))


def of_commit(root: Path, commit: str) -> Schema:
    """Return the contract of a commit. Raise RefusedError if git does not have it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        if done.returncode:
            raise RefusedError(f"{commit} cannot be read: {done.stderr.strip()}")
        return done.stdout

    found = git("ls-tree", "-r", "--name-only", commit, "--", "functions").splitlines()
    files = [name for name in found if name.endswith("/openapi.yaml") and name.count("/") == 2]
    return _merged(git("show", f"{commit}:{name}") for name in files)


def _merged(texts: Iterator[str]) -> Schema:
    whole: dict[str, Any] = {"info": {}, "paths": {}, "components": {}}
    for text in texts:
        part = yaml.safe_load(text)
        whole["info"] |= part.get("info", {})
        for path, operations in (part.get("paths") or {}).items():
            whole["paths"].setdefault(path, {}).update(operations)
        for kind, named in (part.get("components") or {}).items():
            whole["components"].setdefault(kind, {}).update(named)
    return whole


def require(before: Schema, after: Schema) -> None:
    """Raise RefusedError for breaking changes without another version."""
    found = list(breaking(before, after))
    old, new = (contract["info"].get("version") for contract in (before, after))
    for one in found:
        print(f"  {one}")
    if found and old == new:
        raise RefusedError(
            f"{len(found)} changes of the contract break its clients, and info.version is still {old}. Add instead of "
            "changing, or give functions/atrium/openapi.yaml another version and tell clients in CHANGELOG.md."
        )
    print(f"contract: {len(found) or 'no'} breaking changes, version {old} → {new}.")


def breaking(before: Schema, after: Schema) -> Iterator[str]:
    """Yield each breaking change."""
    for path, operations in before["paths"].items():
        for method in METHODS:
            if method in operations:
                name = f"{method.upper()} {path}"
                now = after["paths"].get(path, {}).get(method)
                if now is None:
                    yield f"{name} is gone"
                else:
                    yield from _Comparison(before, after).operation(name, operations[method], now)


class _Comparison:
    """Compares parts of two contracts, in which references are resolved."""

    def __init__(self, before: Schema, after: Schema) -> None:
        self._before, self._after = before, after

    def operation(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._security(name, old, new)
        yield from self._parameters(name, old, new)
        yield from self._body(name, old, new)
        for status, answer in old.get("responses", {}).items():
            if not str(status).startswith("2"):
                continue
            if status not in new.get("responses", {}):
                yield f"{name} no longer answers {status}"
                continue
            was, now = self._old(answer), self._new(new["responses"][status])
            for kind, content in (was.get("content") or {}).items():
                if kind not in (now.get("content") or {}):
                    yield f"{name} {status} no longer has {kind}"
                else:
                    yield from self._lost(
                        f"{name} {status}",
                        content.get("schema", {}),
                        now["content"][kind].get("schema", {}),
                    )

    def _security(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        """Yield each way in which callers were admitted and no longer are."""
        now = new.get("security", [])
        for alternative in old.get("security", []):
            if now and not any(self._admits(one, alternative) for one in now):
                yield f"{name} no longer admits {dict(alternative)}"
        if now and not old.get("security", []):
            yield f"{name} is no longer public"

    @staticmethod
    def _admits(wanted: Schema, held: Schema) -> bool:
        return all(key in held and set(scopes) <= set(held[key]) for key, scopes in wanted.items())

    def _parameters(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        was = {self._key(one): one for one in map(self._old, old.get("parameters", []))}
        now = {self._key(one): one for one in map(self._new, new.get("parameters", []))}
        for key, parameter in was.items():
            label = f"{name} {' '.join(key)}"
            if key not in now:
                yield f"{label} is gone"
                continue
            if now[key].get("required") and not parameter.get("required"):
                yield f"{label} is required now"
            yield from self._narrowed(
                label, parameter.get("schema", {}), now[key].get("schema", {})
            )
        for key in now.keys() - was.keys():
            if now[key].get("required"):
                yield f"{name} {' '.join(key)} is new and required"

    @staticmethod
    def _key(parameter: Schema) -> tuple[str, str]:
        return parameter["in"], parameter["name"]

    def _body(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        was, now = self._old(old.get("requestBody", {})), self._new(new.get("requestBody", {}))
        if now.get("required") and not was.get("required"):
            yield f"{name} requires a body now"
        for kind, content in (was.get("content") or {}).items():
            if kind not in (now.get("content") or {}):
                yield f"{name} no longer takes {kind}"
            else:
                yield from self._narrowed(
                    f"{name} body",
                    content.get("schema", {}),
                    now["content"][kind].get("schema", {}),
                )

    def _narrowed(self, name: str, old: Schema, new: Schema, depth: int = 0) -> Iterator[str]:
        """Yield each place where a formerly accepted value is refused."""
        old, new = self._old(old), self._new(new)
        if old == new and "$ref" not in str(old):
            return
        if depth > DEEPEST:
            return
        yield from self._kinds(name, old, new)
        if old.get("nullable") and not new.get("nullable"):
            yield f"{name} no longer takes null"
        for key in UPPER:
            if key in new and (key not in old or new[key] < old[key]):
                yield f"{name}: {key} is {new[key]}, was {old.get(key, 'unlimited')}"
        for key in LOWER:
            if key in new and new[key] > old.get(key, 0):
                yield f"{name}: {key} is {new[key]}, was {old.get(key, 'unlimited')}"
        if new.get("pattern", old.get("pattern")) != old.get("pattern"):
            yield f"{name}: pattern is {new['pattern']}, was {old.get('pattern', 'none')}"
        if gone := _choices(old) - _choices(new) if "enum" in new else set():
            yield f"{name} no longer takes {', '.join(sorted(gone))}"
        for required in sorted(set(new.get("required", [])) - set(old.get("required", []))):
            yield f"{name}.{required} is required now"
        properties, now = old.get("properties", {}), new.get("properties", {})
        for key, value in properties.items():
            if key not in now:
                yield f"{name}.{key} is no longer taken"
            else:
                yield from self._narrowed(f"{name}.{key}", value, now[key], depth + 1)
        if "items" in old and "items" in new:
            yield from self._narrowed(f"{name}[]", old["items"], new["items"], depth + 1)
        for key in ("oneOf", "anyOf", "allOf"):
            yield from self._alternatives(name, key, old, new, depth, self._narrowed)

    def _lost(self, name: str, old: Schema, new: Schema, depth: int = 0) -> Iterator[str]:
        """Yield each place where an answer lacks something that it had."""
        old, new = self._old(old), self._new(new)
        if depth > DEEPEST or (old == new and "$ref" not in str(old)):
            return
        yield from self._kinds(name, old, new)
        if new.get("nullable") and not old.get("nullable"):
            yield f"{name} may be null now"
        for required in sorted(set(old.get("required", [])) - set(new.get("required", []))):
            if required in new.get("properties", {}):
                yield f"{name}.{required} may be missing now"
        for key, value in old.get("properties", {}).items():
            if key not in new.get("properties", {}):
                yield f"{name}.{key} is gone"
            else:
                yield from self._lost(f"{name}.{key}", value, new["properties"][key], depth + 1)
        if "items" in old and "items" in new:
            yield from self._lost(f"{name}[]", old["items"], new["items"], depth + 1)
        for key in ("oneOf", "anyOf", "allOf"):
            yield from self._alternatives(name, key, old, new, depth, self._lost)

    def _alternatives(
        self, name: str, key: str, old: Schema, new: Schema, depth: int, compare: Any
    ) -> Iterator[str]:
        """Compare alternatives in their order. A missing one counts as a change."""
        was, now = old.get(key, []), new.get(key, [])
        if len(now) < len(was):
            yield f"{name} has fewer alternatives ({key})"
        for left, right in zip(was, now, strict=False):
            yield from compare(name, left, right, depth + 1)

    @staticmethod
    def _kinds(name: str, old: Schema, new: Schema) -> Iterator[str]:
        for key in ("type", "format"):
            if key in old and old[key] != new.get(key):
                yield f"{name}: {key} is {new.get(key, 'none')}, was {old[key]}"

    def _old(self, part: Schema) -> Schema:
        return _resolved(self._before, part)

    def _new(self, part: Schema) -> Schema:
        return _resolved(self._after, part)


def _choices(schema: Schema) -> set[str]:
    return {str(one) for one in schema.get("enum", ["any other value"])}


def _resolved(contract: Schema, part: Schema) -> Schema:
    while "$ref" in part:
        found: Any = contract
        for name in str(part["$ref"]).removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


if __name__ == "__main__":
    sys.exit(main())
