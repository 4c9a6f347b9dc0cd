"""The links of every Markdown file, and of the pages that `make docs-site` generates."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import ROOT
from tools.setup.docs_site import __main__ as docs_site

FILES = [
    ROOT / name
    for name in subprocess.check_output(
        ["git", "ls-files", "*.md"], cwd=ROOT, text=True
    ).splitlines()
]
FENCED = re.compile(r"^ *```.*?^ *```", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HREF = re.compile(r'href="([^"]+)"')


def relative(links: list[str]) -> Iterator[tuple[str, str]]:
    """Yield path and anchor of the links to files of this repository."""
    for link in links:
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield path, anchor


def anchors(file: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a file."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", file.read_text()), re.M)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_relative_link_leads_to_an_existing_file_and_heading(file: Path) -> None:
    dead = []
    for path, anchor in relative(LINK.findall(FENCED.sub("", file.read_text()))):
        target = (file.parent / path) if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f"{path}#{anchor}")
    assert not dead


def test_the_index_of_the_documentation_links_to_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    links = {
        (index.parent / path).resolve() for path, _ in relative(LINK.findall(index.read_text()))
    }
    pages = {file for file in FILES if file.is_relative_to(index.parent)} - {index}
    pages |= {file for file in FILES if file.match("modules/*/README.md")}
    assert not pages - links, "pages that no reader of docs/README.md finds: link them there"


def test_each_link_of_the_site_leads_to_an_existing_page() -> None:
    guides = docs_site.read_guides()
    pages = {f"{page.name}.html": page.body for page in guides}
    assert len(pages) == len(guides), "two pages have one name: the second replaces the first"
    for name, body in pages.items():
        for path, anchor in relative(HREF.findall(body)):
            assert path in {"", "index.html", *pages}, (name, path)
            assert not anchor or f'id="{anchor}"' in pages.get(path or name, ""), (name, anchor)
