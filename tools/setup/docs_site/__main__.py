"""`make docs-site`: write the page of the API and the guides as a folder of static files."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt

from tools import ROOT

HERE = Path(__file__).parent
CONTRACT = ROOT / "build/openapi.json"
GUIDES = ROOT / "docs/guides"
VIEWER = HERE / "node_modules/swagger-ui-dist"
_OF_THE_VIEWER = (
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "oauth2-redirect.html",
    "oauth2-redirect.js",
    "favicon-32x32.png",
    "LICENSE",
    "NOTICE",
)
_OURS = ("api.js", "fields.js", "site.css")


@dataclass(frozen=True)
class Page:
    """A page of the site; `name` is its file without the ending."""

    name: str
    title: str
    body: str = ""


def main(folder: Path) -> None:
    if not CONTRACT.is_file():
        sys.exit("docs-site: build/openapi.json is missing. Run `make build`.")
    install_viewer()
    write(folder)
    print(f"wrote {folder}: open {folder / 'index.html'}, or /docs of a running stack")


def install_viewer() -> None:
    """Install the viewer at its locked version, unless it is there."""
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["swagger-ui-dist"]
    installed = VIEWER / "package.json"
    if installed.is_file() and json.loads(installed.read_text())["version"] == wanted:
        return
    if shutil.which("npm") is None:
        sys.exit("docs-site: npm is missing; it installs the viewer. Install Node.js 18 or newer.")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"docs-site: `npm ci` failed; it needs the npm registry once:\n{done.stderr}")


def write(folder: Path) -> None:
    """Write the site into `folder`. Files of an earlier site are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in (*(VIEWER / name for name in _OF_THE_VIEWER), *(HERE / name for name in _OURS)):
        shutil.copyfile(source, folder / source.name)
    shutil.copyfile(CONTRACT, folder / "openapi.json")
    templates = Environment(loader=FileSystemLoader(HERE), autoescape=True)
    guides = read_guides()
    for page in (Page("index", "API reference"), *guides):
        template = templates.get_template("api.html" if page.name == "index" else "guide.html")
        (folder / f"{page.name}.html").write_text(template.render(page=page, guides=guides) + "\n")


def read_guides() -> list[Page]:
    """Return the guides in the order of their names, and the page of error codes."""
    sources = [*sorted(GUIDES.glob("*.md")), ROOT / "docs/errors.md"]
    return [_rendered(source) for source in sources]


def _rendered(source: Path) -> Page:
    text = source.read_text()
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = markdown.render(_links_of_the_site(text))
    # Elements that scroll sideways can be focused, so that the keyboard scrolls them.
    body = body.replace("<pre>", '<pre tabindex="0">')
    body = body.replace("<table>", '<div class="wide" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    name = source.stem.lstrip("0123456789-")
    return Page(name, text.partition("\n")[0].removeprefix("# "), _with_anchors(body))


def _links_of_the_site(text: str) -> str:
    """Rewrite links between the guides to their pages: the site has them all in one folder."""
    return re.sub(r"\]\((?:\.\./)?(?:guides/)?(?:\d+-)?([a-z-]+)\.md(?=[)#])", r"](\1.html", text)


def _with_anchors(body: str) -> str:
    """Make each error code a link target: its row begins with the code."""
    lines = []
    for line in body.splitlines():
        code = line.removeprefix("<td><code>").removesuffix("</code></td>")
        named = line.startswith("<td><code>") and code.replace("_", "").isalnum()
        lines.append(line.replace("<td>", f'<td id="{code}">', 1) if named else line)
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] and sys.argv[1] else ROOT / "site")
