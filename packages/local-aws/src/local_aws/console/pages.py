"""The console: its page, and the panels of the package and of the program that starts it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from aiohttp import web

from local_aws.console import answers
from local_aws.console.answers import own_page
from local_aws.console.panel import Panel

PATH = "/_local/console"
STATIC = Path(__file__).with_name("static")


class Section(Protocol):
    """The data of a panel."""

    def routes(self, path: str) -> list[web.RouteDef]:
        """Return the routes below the console's path."""


class Console:
    """The console of a stack; `panels` come after the package's own."""

    def __init__(self, sections: Iterable[Section], panels: Iterable[Panel] = ()) -> None:
        self._sections = tuple(sections)
        self._panels = {panel.name: panel for panel in panels}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self._to_page),
            web.get(f"{PATH}/", own_page(self._page, linked=True)),
            web.get(f"{PATH}/panels", own_page(self._list_panels)),
            web.get(
                f"{PATH}/panels/{{panel}}/{{file:[a-z_]+\\.(?:js|css)}}", own_page(self._panel)
            ),
            *(route for section in self._sections for route in section.routes(PATH)),
            web.get(f"{PATH}/{{file:[a-z_]+\\.(?:js|css|svg)}}", own_page(self._file)),
        ]

    async def _to_page(self, _: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": f"{PATH}/"})

    async def _page(self, _: web.Request) -> web.Response:
        return answers.file(STATIC / "index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return answers.file(STATIC / request.match_info["file"])

    async def _list_panels(self, _: web.Request) -> web.Response:
        listed = [{"name": each.name, "title": each.title} for each in self._panels.values()]
        return answers.json({"panels": listed})

    async def _panel(self, request: web.Request) -> web.Response:
        panel = self._panels.get(request.match_info["panel"])
        if panel is None:
            return answers.refused("There is no such panel.", 404)
        return answers.file(panel.folder / request.match_info["file"])
