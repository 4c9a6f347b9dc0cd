"""What a stack keeps: moto's backends, imported API bodies, Cognito's own state and Terraform's in one snapshot; items, and
all that changed since the snapshot, in SQLite; Postgres in its folder.

A call is answered when its change is on disk: an item, user, message, object or function in SQLite (`journal.py`), anything
else in a snapshot that is written before the answer. Snapshots are also written at the end of every `make up` that changed
something, at shutdown and some seconds after other changes, so that the journal stays short.

While Terraform applies, the control plane is ahead of Terraform's state, and until the next snapshot only data is kept. Should
that apply be cut off, resources and Terraform's state go back to the snapshot before it.

The parts belong together. When the snapshot cannot be loaded, the items and the database of the users it knew are set aside.
"""

import asyncio
import hashlib
import logging
import os
import signal
import sqlite3
import time
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from aiohttp import web

from local_aws.api_gateway.control import ImportedBodies, RestApis
from local_aws.aws_call import AwsCall, AwsResponse, Forward, Interceptor
from local_aws.cognito import state as cognito_state
from local_aws.cognito.changes import note_users, touched_users
from local_aws.cognito.endpoint import Cognito
from local_aws.cognito.state import State
from local_aws.control_plane import snapshot
from local_aws.control_plane.changed_parts import (
    changed_parts,
    is_content,
    is_read,
    parts_without_calls,
)
from local_aws.control_plane.moto_app import Moto
from local_aws.control_plane.snapshot import SnapshotError
from local_aws.database import postgres
from local_aws.dynamodb import Store, schema
from local_aws.dynamodb.adopt import adopt
from local_aws.iam.gate import error_response
from local_aws.settings import Settings
from tools.deploy import supervisor
from tools.deploy.terraform.scratch import ENVIRONMENT, Record
from tools.laptop.stack.applied import Applied
from tools.laptop.stack.journal import Journal, restore

log = logging.getLogger("local.persistence")

SETTLE_SECONDS = 1.0  # after a change, so that what belongs together is saved together
REST = 10  # times as long as a snapshot took: never more than a tenth of one core
MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Kept:
    """What was there at the start. `notice` says what is not as it was, where somebody could expect it."""

    restored: bool
    store: Store
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
        self._changed_aside = False
        self._uncovered = 0  # the last change that the journal does not have
        self.snapshots = 0  # written by this process
        self._ahead = False  # of the snapshot, by an apply
        self._journal: Journal | None = None
        self._turn = asyncio.Lock()

    def load(self) -> Kept:
        """Put back what was acknowledged. Resources go back to before an apply that was cut off, with Terraform's state."""
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
        store = Store(self._items)
        count = restore(store, extra.get("changes", 0), extra["cognito"])
        if adopted := adopt(store):
            log.info("%d items of an older snapshot are in %s now", adopted, self._items.name)
        store.forget_others(schema.every())
        notice = f"{end}. {self._told(count, taken)}" if end else ""
        return Kept(True, store, notice, cognito=extra["cognito"], apis=extra["apis"])

    def _told(self, changes: int, taken: str) -> str:
        if self._record.apply_cut_off:
            return f"Resources and Terraform's state are those of the snapshot of {taken}; items, users and messages are kept."
        return f"Everything that was acknowledged is here: the snapshot of {taken} and {changes} changes since."

    def _how_it_ended(self) -> str:
        if self._record.apply_cut_off:
            return "An apply was cut off"
        return "The last run was killed" if supervisor.was_killed(self._settings) else ""

    def _afresh(self, notice: str) -> Kept:
        """Without a control plane, Terraform's state and the users' database describe nothing."""
        if notice:
            log.warning(notice)
        self._record.forget()
        for file in self._items.parent.glob(
            f"{self._items.name}*"
        ):  # with what SQLite keeps beside it
            if not file.suffix[1:].isdigit():
                file.rename(file.with_name(f"{file.name}.{int(time.time())}"))
        data = postgres.place(self._settings.state / "postgres")
        if data.exists():
            aside = data.with_name(f"{data.name}.{int(time.time())}")
            data.rename(aside)
            log.warning("the database of an earlier control plane is kept as %s", aside)
            notice += f" The database is kept as {aside.name}." if notice else ""
        return Kept(False, Store(self._items), notice)

    def keep(self, cognito: Cognito, apis: RestApis, store: Store) -> None:
        """From now on, `save` covers these too."""
        self._kept = (cognito, apis)
        self._journal = Journal(store, self._moto, cognito.state)

    def changed(self) -> None:
        """Note that something changed without an AWS call. A killed stack does it again, a stopped one keeps it."""
        self._changes += 1
        self._changed_aside = True

    def watched(self, interceptors: Mapping[str, Interceptor]) -> dict[str, Interceptor]:
        """Return interceptors that answer when what changed is on disk."""
        return {
            service: self._watched(interceptor) for service, interceptor in interceptors.items()
        }

    async def forward(self, call: AwsCall) -> AwsResponse:
        """Do what moto does, and answer when what changed is on disk."""
        return await self._answered(call, self._moto(call))

    def _watched(self, interceptor: Interceptor) -> Interceptor:
        async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
            return await self._answered(call, interceptor(call, self._moto))

        return intercept

    def watched_pages(self, pages: Iterable[web.RouteDef]) -> list[web.RouteDef]:
        """Return Cognito's pages, likewise."""
        return [
            web.route(page.method, page.path, self._watched_page(page.handler), **page.kwargs)
            if page.path.startswith(("/oauth2/", "/login", "/logout"))
            else page
            for page in pages
        ]

    def _watched_page(self, handler: Any) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            note_users()
            try:
                response: web.StreamResponse = await handler(request)
                return response
            finally:
                self._changes += 1
                assert self._journal
                await self._journal.keep(touched_users(b""))

        return answer

    async def _answered(self, call: AwsCall, answering: Awaitable[AwsResponse]) -> AwsResponse:
        """Return the answer once its change is kept. A refusal changes nothing, but for Cognito's counts."""
        note_users()
        answer = await answering
        if is_read(call) or (answer.status >= 400 and call.service != "cognito-idp"):
            return answer
        try:
            await self._keep(call)
        except (SnapshotError, sqlite3.Error) as error:
            log.error("%s %s is not on disk: %s", call.service, call.action or call.path, error)
            message = f"The change is not on disk, so a killed stack would lose it: {error}"
            return error_response(call, "InsufficientStorage", message, 507)
        return answer

    async def _keep(self, call: AwsCall) -> None:
        parts = changed_parts(call)
        if parts == []:  # in the store of items already, or not worth it
            return
        self._changes += 1
        self._applied.note(call)
        self._ahead = self._ahead or self._record.apply_cut_off
        if self._ahead and not is_content(call):
            self._uncovered = self._changes
            return
        assert self._journal
        if parts is None:
            await self.save()
        else:
            await self._journal.keep(parts)

    async def save(self) -> bool:
        """Writes a snapshot if anything changed since the last, in a copy of this process; False if there was no need.

        Raises:
            SnapshotError: it could not be written, e.g. because the disk is full. The earlier one is untouched.
        """
        async with self._turn:
            if self._changes == self._saved or self._record.apply_cut_off:
                return False
            assert self._journal
            started, changes, position = time.monotonic(), self._changes, self._journal.position
            copy = self._moto.exclusively(self._fork)
            stood = time.monotonic() - started
            await self._written(copy)
            self._saved, self._ahead = changes, False
            self.snapshots += 1
            await self._journal.forget(position)
            size = self._file.stat().st_size
            log.info(
                "snapshot: %d kB in %.1f s, %.0f ms of them standing still",
                size // 1000,
                time.monotonic() - started,
                stood * 1000,
            )
            return True

    async def save_uncovered(self) -> bool:
        """Write a snapshot if anything changed that the journal cannot have; else the journal is as good."""
        if self._changed_aside and self._journal and not self._ahead:
            await self._journal.keep(parts_without_calls())
            self._changed_aside = False
        return self._uncovered > self._saved and await self.save()

    def _fork(self) -> snapshot.CopyOfUs:
        assert self._kept
        assert self._journal
        cognito, apis = self._kept
        extra: dict[str, Any] = {
            "cognito": cognito.state,
            "apis": apis.bodies,
            "terraform": self._record.content(),
            "applied": self._applied.inputs,
            "changes": self._journal.position,
        }
        return snapshot.dump_beside(self._file, extra, _shape())

    async def _written(self, copy: snapshot.CopyOfUs) -> None:
        waiting = asyncio.create_task(asyncio.to_thread(copy.wait))
        try:
            await asyncio.wait_for(asyncio.shield(waiting), MOST_SECONDS)
        except (
            TimeoutError,
            asyncio.CancelledError,
        ) as error:  # never two copies that write one file
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
                log.error("no snapshot: %s. The journal grows until there is one", error)
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
        self._uncovered = self._changes
        return await self._answer_applied(request)

    async def _answer(self, request: web.Request) -> web.Response:
        """200, or 507 (insufficient storage) with the reason."""
        try:
            written = await self.save_uncovered()
        except SnapshotError as error:
            return web.json_response({"error": str(error)}, status=507)
        size = self._file.stat().st_size if self._file.exists() else 0
        return web.json_response({"bytes": size, "written": written})


def _shape() -> str:
    """Of the classes that are pickled beside moto's: objects of another shape would load and then fail in odd places."""
    kinds = (
        kind for kind in (ImportedBodies, *vars(cognito_state).values()) if isinstance(kind, type)
    )
    known = sorted(
        f"{kind.__name__}.{field.name}: {field.type}"
        for kind in kinds
        if is_dataclass(kind)
        for field in fields(kind)
    )
    return f"state-{hashlib.sha256(repr(known).encode()).hexdigest()[:8]}"
