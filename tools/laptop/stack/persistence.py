"""What a stack keeps: moto's backends, imported API bodies, Cognito's own state and Terraform's in one snapshot, Postgres in its folder.

A snapshot is written at the end of every `make up` that changed something, at shutdown, and some seconds after any other change: a killed
supervisor loses those seconds. None is written while Terraform applies, when the control plane is ahead of Terraform's state: should that
apply be cut off, both go back to the snapshot before it.

The parts belong together. When the snapshot cannot be loaded, the database of the users it knew is set aside, not deleted.
"""

import asyncio
import hashlib
import logging
import os
import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from aiohttp import web

from local_aws.api_gateway.control import ImportedBodies, RestApis
from local_aws.aws_call import AwsCall, AwsResponse, Forward, Interceptor
from local_aws.cognito import state as cognito_state
from local_aws.cognito.endpoint import Cognito
from local_aws.cognito.state import State
from local_aws.control_plane import snapshot
from local_aws.control_plane.moto_app import Moto
from local_aws.control_plane.snapshot import SnapshotError
from local_aws.database import postgres
from local_aws.dynamodb import Store, schema
from local_aws.dynamodb.adopt import adopt
from local_aws.dynamodb.endpoint import ITEM_CALLS
from local_aws.settings import Settings
from tools.deploy import supervisor
from tools.deploy.terraform.scratch import ENVIRONMENT, Record
from tools.laptop.stack.applied import Applied

log = logging.getLogger("local.persistence")

SETTLE_SECONDS = 1.0  # after a change, so that what belongs together is saved together
REST = 10  # times as long as a snapshot took: never more than a tenth of one core
MOST_SECONDS = 60.0

_READ = re.compile("(Describe|List|Get|Head|BatchGet|TransactGet|Query|Scan|AdminGet|AdminList|Filter|Lookup|Simulate)")


@dataclass(frozen=True)
class Kept:
    """What was there at the start. `notice` says what is not as it was, where somebody could expect it."""

    restored: bool
    notice: str = ""
    cognito: State | None = None
    apis: ImportedBodies | None = None


class Persistence:
    def __init__(self, settings: Settings, moto: Moto) -> None:
        self._settings = settings
        self._file = settings.state / "control-plane.snapshot"
        self._items = settings.state / "items.sqlite"
        self._record = Record.of(settings, ENVIRONMENT)
        self._moto = moto
        self._applied = Applied()
        self._kept: tuple[Cognito, RestApis] | None = None
        self._changes = 0
        self._saved = 0
        self._turn = asyncio.Lock()

    def load(self) -> Kept:
        """Puts back the control plane and Terraform's state of the same moment. An apply that was cut off is over by it."""
        end = self._how_it_ended()
        if not self._file.exists():
            notice = f"{end} before its first snapshot: starting afresh." if end else ""
            return self._afresh(notice)
        taken = time.strftime("%H:%M:%S", time.localtime(self._file.stat().st_mtime))
        try:
            extra = snapshot.load(self._file, _shape())
        except SnapshotError as error:
            aside = self._file.with_name(f"{self._file.name}.{int(time.time())}")
            self._file.rename(aside)
            return self._afresh(f"Starting afresh: {error}. The old one is kept as {aside.name}.")
        if (terraform := extra.get("terraform")) is not None:
            self._record.put_back(terraform)
        self._applied = Applied(extra.get("applied", ""))
        notice = f"{end}: Cognito, DynamoDB and Terraform's state go on from the snapshot of {taken}." if end else ""
        return Kept(True, notice, cognito=extra["cognito"], apis=extra["apis"])

    def open_items(self) -> Store:
        """Open the items of the tables that were put back; those of other tables are gone for good."""
        store = Store(self._items)
        if adopted := adopt(store):
            log.info("%d items of an older snapshot are in %s now", adopted, self._items.name)
        store.forget_others(schema.every())
        return store

    def _how_it_ended(self) -> str:
        if self._record.apply_cut_off:
            return "An apply was cut off"
        return "The last run was killed" if supervisor.was_killed(self._settings) else ""

    def _afresh(self, notice: str) -> Kept:
        """Without a control plane, Terraform's state and the users' database describe nothing."""
        if notice:
            log.warning(notice)
        self._record.forget()
        for file in self._items.parent.glob(f"{self._items.name}*"):  # with what SQLite keeps beside it
            if not file.suffix[1:].isdigit():
                file.rename(file.with_name(f"{file.name}.{int(time.time())}"))
        data = postgres.place(self._settings.state / "postgres")
        if data.exists():
            aside = data.with_name(f"{data.name}.{int(time.time())}")
            data.rename(aside)
            log.warning("the database of an earlier control plane is kept as %s", aside)
            notice += f" The database is kept as {aside.name}." if notice else ""
        return Kept(False, notice)

    def keep(self, cognito: Cognito, apis: RestApis) -> None:
        """From now on, `save` covers these too."""
        self._kept = (cognito, apis)

    def changed(self) -> None:
        """Something to keep changed without an AWS call."""
        self._changes += 1

    def watched(self, interceptors: Mapping[str, Interceptor]) -> dict[str, Interceptor]:
        return {service: self._watched(interceptor) for service, interceptor in interceptors.items()}

    def forward(self, to: Forward) -> Forward:
        async def forward(call: AwsCall) -> AwsResponse:
            try:
                return await to(call)
            finally:
                self._note(call)

        return forward

    def _watched(self, interceptor: Interceptor) -> Interceptor:
        async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
            try:
                return await interceptor(call, forward)
            finally:
                self._note(call)

        return intercept

    def _note(self, call: AwsCall) -> None:
        """Counted after the call: a snapshot taken in between has the change, and one more does no harm."""
        reads = _READ.match(call.action) if call.action else call.method in ("GET", "HEAD")
        if not reads and not _changes_items(call):
            self._changes += 1
            self._applied.note(call)

    async def save(self) -> bool:
        """Writes a snapshot if anything changed since the last, in a copy of this process; False if there was no need.

        Raises:
            SnapshotError: it could not be written, e.g. because the disk is full. The earlier one is untouched.
        """
        async with self._turn:
            if self._changes == self._saved or self._record.apply_cut_off:
                return False
            started, changes = time.monotonic(), self._changes
            copy = self._moto.exclusively(self._fork)
            stood = time.monotonic() - started
            await self._written(copy)
            self._saved = changes
            size = self._file.stat().st_size
            log.info(
                "snapshot: %d kB in %.1f s, %.0f ms of them standing still",
                size // 1000,
                time.monotonic() - started,
                stood * 1000,
            )
            return True

    def _fork(self) -> snapshot.CopyOfUs:
        assert self._kept
        cognito, apis = self._kept
        extra: dict[str, Any] = {
            "cognito": cognito.state,
            "apis": apis.bodies,
            "terraform": self._record.content(),
            "applied": self._applied.inputs,
        }
        return snapshot.dump_beside(self._file, extra, _shape())

    async def _written(self, copy: snapshot.CopyOfUs) -> None:
        waiting = asyncio.create_task(asyncio.to_thread(copy.wait))
        try:
            await asyncio.wait_for(asyncio.shield(waiting), MOST_SECONDS)
        except (TimeoutError, asyncio.CancelledError) as error:  # never two copies that write one file
            with suppress(ProcessLookupError):
                os.kill(copy.pid, signal.SIGKILL)
            with suppress(SnapshotError):
                await waiting
            if isinstance(error, TimeoutError):
                raise SnapshotError(f"it took longer than {MOST_SECONDS:.0f} s") from None
            raise

    async def save_changes(self) -> None:
        """Until cancelled: a snapshot soon after each change."""
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            started = time.monotonic()
            try:
                wrote = await self.save()
            except SnapshotError as error:
                log.error(
                    "no snapshot: %s. A killed supervisor would lose what changed since %s", error, self._file.name
                )
                wrote = True
            if wrote:
                await asyncio.sleep(REST * (time.monotonic() - started))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_atrium/snapshot", self._answer),
            web.get("/_atrium/applied", self._answer_applied),
            web.post("/_atrium/applied/{inputs}", self._set_applied),
        ]

    async def _answer_applied(self, request: web.Request) -> web.Response:
        return web.json_response({"inputs": self._applied.inputs})

    async def _set_applied(self, request: web.Request) -> web.Response:
        """Said by `make up` once everything is as its Terraform wants it; part of the next snapshot."""
        self._applied = Applied(request.match_info["inputs"])
        self._changes += 1
        return await self._answer_applied(request)

    async def _answer(self, request: web.Request) -> web.Response:
        """200, or 507 (insufficient storage) with the reason."""
        try:
            written = await self.save()
        except SnapshotError as error:
            return web.json_response({"error": str(error)}, status=507)
        size = self._file.stat().st_size if self._file.exists() else 0
        return web.json_response({"bytes": size, "written": written})


def _changes_items(call: AwsCall) -> bool:
    """Return True for a call whose whole change is in the store of items already."""
    return call.service == "dynamodb" and call.action in ITEM_CALLS


def _shape() -> str:
    """Of the classes that are pickled beside moto's: objects of another shape would load and then fail in odd places."""
    kinds = (kind for kind in (ImportedBodies, *vars(cognito_state).values()) if isinstance(kind, type))
    known = sorted(
        f"{kind.__name__}.{field.name}: {field.type}" for kind in kinds if is_dataclass(kind) for field in fields(kind)
    )
    return f"state-{hashlib.sha256(repr(known).encode()).hexdigest()[:8]}"
