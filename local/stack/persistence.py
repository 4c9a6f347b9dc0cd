"""What a stack keeps when it stops: moto's backends, imported API bodies and Cognito's own state in one snapshot, Postgres in its folder.

The parts belong together. When the snapshot cannot be loaded, the database of the users it knew is set aside, not deleted.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.api_gateway.control import ImportedBodies, RestApis
from local.cognito.endpoint import Cognito
from local.cognito.state import State
from local.control_plane import snapshot
from local.control_plane.moto_app import Moto
from local.control_plane.snapshot import SnapshotError
from local.database import postgres
from local.settings import Settings

log = logging.getLogger("local.persistence")


@dataclass(frozen=True)
class Kept:
    """What was there at the start. `notice` says why there is nothing, where somebody could expect something."""

    restored: bool
    notice: str = ""
    cognito: State | None = None
    apis: ImportedBodies | None = None


class Persistence:
    def __init__(self, settings: Settings, moto: Moto) -> None:
        self._settings = settings
        self._file = settings.state / "control-plane.snapshot"
        self._moto = moto
        self._kept: tuple[Cognito, RestApis] | None = None

    def load(self) -> Kept:
        if not self._file.exists():
            return Kept(restored=False)
        try:
            extra = snapshot.load(self._file)
        except SnapshotError as error:
            log.warning("starting afresh: %s", error)
            aside = self._file.with_name(f"{self._file.name}.{int(time.time())}")
            self._file.rename(aside)
            return Kept(restored=False, notice=f"Starting afresh: {error}. The old one is kept as {aside.name}.")
        return Kept(True, cognito=extra["cognito"], apis=extra["apis"])

    def keep(self, cognito: Cognito, apis: RestApis) -> None:
        """From now on, `save` covers these too."""
        self._kept = (cognito, apis)

    def save(self) -> int:
        """Writes the snapshot and returns its size in bytes; blocks the event loop, so that nothing changes meanwhile."""
        assert self._kept
        cognito, apis = self._kept
        extra: dict[str, Any] = {"cognito": cognito.state, "apis": apis.bodies}
        started = time.monotonic()
        size = self._moto.exclusively(lambda: snapshot.dump(self._file, extra))
        log.info("snapshot: %d kB in %.1f s", size // 1000, time.monotonic() - started)
        return size

    def set_database_aside(self) -> None:
        data = postgres.place(self._settings.state / "postgres")
        if data.exists():
            aside = data.with_name(f"{data.name}.{int(time.time())}")
            data.rename(aside)
            log.warning("the database of an earlier control plane is kept as %s", aside)

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/_atrium/snapshot", self._save)]

    async def _save(self, request: web.Request) -> web.Response:
        return web.json_response({"bytes": self.save()})
