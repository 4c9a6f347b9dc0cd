"""`python -m tools.checks.docstrings`: a check of the first word of every docstring.

A docstring that begins with a pronoun, a preposition or a conjunction is a fragment of a sentence,
which a reader must complete. Functions begin with a verb (ruff's D401), all else with a noun phrase.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

from tools import ROOT

FRAGMENTS = (
    *("He", "It", "Its", "Nobody", "None", "Nothing", "Somebody", "Something", "That", "Their"),
    *("There", "These", "They", "This", "Those", "What", "Whatever", "Which", "Who", "Whoever"),
    *("Whom", "Whose", "After", "Afterwards", "Also", "And", "As", "At", "Because", "Before"),
    *("But", "By", "Else", "Even", "For", "From", "How", "If", "In", "Like", "Nor", "Not", "Of"),
    *("On", "Once", "Only", "Or", "Should", "Since", "So", "Than", "Then", "To", "Too", "Unless"),
    *("Until", "When", "Where", "Whether", "While", "Why", "With", "Without"),
)
_FRAGMENT = re.compile(rf'^[ \t]*r?"""({"|".join(FRAGMENTS)})\b', re.MULTILINE)


def fragments(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and first word of each docstring that begins with one of FRAGMENTS."""
    for found in _FRAGMENT.finditer(text):
        yield text.count("\n", 0, found.start(1)) + 1, found[1]


def main() -> int:
    """Return 1 with a line on stdout for each fragment."""
    complaints = [
        f"{file}:{line}: The docstring begins with `{word}`. Begin with a verb (functions) or a noun "
        "phrase (modules, classes and constants)."
        for file in _files()
        for line, word in fragments((ROOT / file).read_text())
    ]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return bool(complaints)


def _files() -> list[str]:
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py")
    found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [file for file in found.splitlines() if (ROOT / file).exists()]


if __name__ == "__main__":
    sys.exit(main())
