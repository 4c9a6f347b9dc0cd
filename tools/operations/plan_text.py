"""A plan in readable form, as Markdown: destroyed resources first, each change in words."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tools.deploy.terraform.planned import ResourceChange
from tools.operations.plan_guard import Finding

WORDS = {"delete": "to destroy", "replace": "to replace", "forget": "to forget", "update": "to change", "create": "to add"}  # fmt: skip
"""The text for each action, the most dangerous action first."""
HEADINGS = {
    "delete": "Destroyed",
    "replace": "Destroyed and created again",
    "forget": "Forgotten: stays in AWS, leaves Terraform's state",
    "update": "Changed in place",
    "create": "Created",
}
LONGEST_VALUE = 60
LONGEST = 60_000  # characters; GitHub takes 65,536 in a comment
ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
HIDDEN, LATER = "(sensitive)", "(known after the apply)"


def counted(actions: Sequence[str]) -> str:
    if not actions:
        return "nothing to change."
    totals = Counter(actions)
    parts = [f"{totals[action]} {words}" for action, words in WORDS.items() if totals[action]]
    return ", ".join(parts) + "."


def markdown(
    environment: str,
    changes: Sequence[ResourceChange],
    findings: Sequence[Finding] = (),
    acknowledged: Sequence[str] = (),
) -> str:
    """Return the plan in readable form.

    Account ids are masked, because a repository may be public.
    """
    lines = [f"### {environment}: {counted([change.action for change in changes])}", ""]
    if findings:
        lines += ["**Needs an acknowledgement**", ""]
        for finding in findings:
            mark = "acknowledged" if finding.address in acknowledged else "**not acknowledged**"
            lines.append(f"- `{finding.address}` {finding.what}. {finding.why} ({mark})")
        lines.append("")
    for action, heading in HEADINGS.items():
        lines += _section(heading, [change for change in changes if change.action == action])
    text = ACCOUNT.sub("************", "\n".join(lines))
    cut = "\n\n… The rest is in the run's log.\n"
    return text if len(text) <= LONGEST else text[: LONGEST - len(cut)].rsplit("\n", 1)[0] + cut


def _section(heading: str, changes: Sequence[ResourceChange]) -> list[str]:
    if not changes:
        return []
    lines = [f"**{heading}**", ""]
    for change in changes:
        forced = f", forced by `{', '.join(change.forced_by)}`" if change.forced_by else ""
        lines.append(f"- `{change.address}`{forced}")
        if change.action in ("update", "replace"):
            lines += [f"  - {line}" for line in attributes(change)]
    return [*lines, ""]


def attributes(change: ResourceChange) -> Iterator[str]:
    """Yield each changed attribute with its old and new value."""
    names = sorted(change.before.keys() | change.after.keys() | change.unknown.keys())
    for name in names:
        yield from _differences(
            name,
            change.before.get(name),
            change.after.get(name),
            change.unknown.get(name, False),
            change.sensitive.get(name, False),
        )


def _differences(path: str, before: Any, after: Any, unknown: Any, sensitive: Any) -> Iterator[str]:
    if sensitive is True:
        if before != after or unknown is True:
            yield f"`{path}`: {HIDDEN}"
    elif not before and not after and unknown is not True:
        return  # an empty value and none are the same to the provider
    elif unknown is True:
        yield f"`{path}`: {_value(before)} → {LATER}"
    elif (
        isinstance(before, dict | list)
        and isinstance(after, dict | list)
        and type(before) is type(after)
    ):
        for key in _keys(before, after):
            yield from _differences(
                f"{path}.{key}", *(_inner(one, key) for one in (before, after, unknown, sensitive))
            )
    elif (old := _json(before)) is not None and (new := _json(after)) is not None:
        yield from _differences(path, old, new, False, False)
    elif before != after:
        yield f"`{path}`: {_value(before)} → {_value(after)}"


def _json(value: Any) -> dict[str, Any] | None:
    """Return the object that a text such as a policy holds; None if it holds none."""
    try:
        found = json.loads(value) if isinstance(value, str) and value.startswith("{") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _keys(before: Any, after: Any) -> list[Any]:
    if isinstance(before, dict):
        return sorted(before.keys() | after.keys())
    return list(range(max(len(before), len(after))))


def _inner(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(value, list) and key < len(value) else None


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str) and value.startswith(("{", "[")):
        return "(JSON)"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    text = text.replace("`", "'").replace("\n", " ")
    return f"`{text[:LONGEST_VALUE]}…`" if len(text) > LONGEST_VALUE else f"`{text}`"
