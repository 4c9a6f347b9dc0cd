"""A folder of static pages beside the deployed API, below one path of its address.

API Gateway has no such thing: it is the laptop's place for pages about the API.
"""

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

# Pages may run their own scripts and ask this machine, and nothing else.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' http://127.0.0.1:* http://localhost:*; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",  # a page's address may have the code of a sign-in
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class StaticPages:
    """A folder and the path below which it is served, such as `/docs`."""

    path: str
    folder: Path
    missing: str = "There are no pages here yet."  # the answer while the folder does not exist

    def answer(self, method: str, path: str) -> web.Response | None:
        """Return the page at `path`, or None if the path belongs to the API."""
        if method not in ("GET", "HEAD") or not f"{path}/".startswith(f"{self.path}/"):
            return None
        if path == self.path:  # relative links need the slash
            return web.Response(status=308, headers={"Location": f"{self.path}/"})
        if not self.folder.is_dir():
            return web.Response(status=404, text=self.missing)
        file = self._file(unquote(path[len(self.path) + 1 :] or "index.html"))
        if file is None:
            return web.Response(status=404, text="There is no such page.")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return web.Response(
            body=file.read_bytes(),
            content_type=kind,
            charset="utf-8" if kind.startswith("text/") else None,
            headers=_HEADERS,
        )

    def _file(self, name: str) -> Path | None:
        """Return the file below the folder, or None for a path that names none."""
        folder = self.folder.resolve()
        try:
            file = (folder / name).resolve()
            return file if file.is_relative_to(folder) and file.is_file() else None
        except (OSError, ValueError):  # the name is too long, or has a NUL
            return None
