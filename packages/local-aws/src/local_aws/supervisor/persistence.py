"""Persistence of a stack: a snapshot, and a journal of the changes since it.

The snapshot holds moto's backends, imported API bodies, Cognito's own state and Terraform's state.
SQLite holds the items and the journal. Postgres keeps its own folder.

A call is answered when its change is on disk. Items, users, messages, objects and functions go to
SQLite (`journal.py`); any other change is in a snapshot before the answer. Snapshots are also
written after an `up` that changed something, at shutdown and some seconds after other changes.

While Terraform applies, the control plane is ahead of Terraform's state, and only data is kept.
After an interrupted apply, resources and Terraform's state return to the snapshot before it.

The parts belong together. If the snapshot cannot be loaded, the items and the database are set
aside.
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
from local_aws.control_plane.changed_parts import (
    changed_parts,
    is_content,
    is_read,
    parts_without_calls,
)
from local_aws.control_plane.moto_app import Moto
from local_aws.database import postgres
from local_aws.dynamodb import Store, schema
from local_aws.dynamodb.adopt import adopt
from local_aws.iam.errors import error_response
from local_aws.moto_state import additions, snapshot
from local_aws.moto_state.snapshot import SnapshotError
from local_aws.settings import Settings
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.applied import Applied
from local_aws.supervisor.journal import Journal, restore
from local_aws.terraform.record import Record

log = logging.getLogger("local.persistence")

SETTLE_SECONDS = 1.0  # after a change, so that related changes share a snapshot
REST = 10  # pause in multiples of a snapshot's time, to use at most a tenth of one core
MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Kept:
    """The state found at the start; `notice` tells the user what could not be restored."""

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
        self._record = Record.of(settings, settings.terraform_state)
        self._moto = moto
        self._applied = Applied()
        self._kept: tuple[Cognito, RestApis] | None = None
        self._changes = 0
        self._saved = 0
        self._changed_aside = False
        self._uncovered = 0  # number of the last change that the journal does not have
        self.snapshots = 0  # written by this process
        self._ahead = False  # True if an apply has changed resources since the snapshot
        self._journal: Journal | None = None
        self._turn = asyncio.Lock()

    def load(self) -> Kept:
        """Restore acknowledged changes; after an interrupted apply, restore the state before it."""
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
            log.info("moved %d items of an older snapshot to %s", adopted, self._items.name)
        store.forget_others(schema.every())
        notice = f"{end}. {self._told(count, taken)}" if end else ""
        return Kept(True, store, notice, cognito=extra["cognito"], apis=extra["apis"])

    def _told(self, changes: int, taken: str) -> str:
        if self._record.apply_cut_off:
            return f"Resources and Terraform's state are restored from the snapshot of {taken}. Items, users and messages are kept."
        return f"Every acknowledged change is restored: the snapshot of {taken} and {changes} changes since."

    def _how_it_ended(self) -> str:
        if self._record.apply_cut_off:
            return "An apply was interrupted"
        return "The last run was killed" if supervisor.was_killed(self._settings) else ""

    def _afresh(self, notice: str) -> Kept:
        """Set aside Terraform's state and the database, which are useless without a control plane."""
        if notice:
            log.warning(notice)
        self._record.forget()
        for file in self._items.parent.glob(
            f"{self._items.name}*"
        ):  # with SQLite's -wal and -shm files
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
        """Include these parts in every later snapshot."""
        self._kept = (cognito, apis)
        self._journal = Journal(store, self._moto, cognito.state)

    def changed(self) -> None:
        """Record a change that no AWS call made.

        An orderly stop saves it; after a kill it happens again.
        """
        self._changes += 1
        self._changed_aside = True

    def watched(self, interceptors: Mapping[str, Interceptor]) -> dict[str, Interceptor]:
        """Return interceptors that answer once their change is on disk."""
        return {
            service: self._watched(interceptor) for service, interceptor in interceptors.items()
        }

    async def forward(self, call: AwsCall) -> AwsResponse:
        """Forward a call to moto, and answer once its change is on disk."""
        return await self._answered(call, self._moto(call))

    def _watched(self, interceptor: Interceptor) -> Interceptor:
        async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
            return await self._answered(call, interceptor(call, self._moto))

        return intercept

    def watched_pages(self, pages: Iterable[web.RouteDef]) -> list[web.RouteDef]:
        """Return Cognito's pages, which answer once their change is on disk."""
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
        """Return the answer once its change is on disk; a refusal changes only Cognito's counters."""
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
        if parts == []:  # in the item store already, or not worth an entry in the journal
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
        """Write a snapshot in a forked process if anything changed; return False if nothing did.

        Raises:
            SnapshotError: It could not be written, for example because the disk is full; the earlier one is intact.
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
                "snapshot: %d kB in %.1f s; requests waited %.0f ms",
                size // 1000,
                time.monotonic() - started,
                stood * 1000,
            )
            return True

    async def save_uncovered(self) -> bool:
        """Write a snapshot if a change is not covered by the journal."""
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
        """Write a snapshot soon after each change, until cancelled."""
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            started = time.monotonic()
            try:
                wrote = await self.save()
            except SnapshotError as error:
                log.error(
                    "no snapshot was written: %s. The journal grows until the next one", error
                )
                wrote = True
            if wrote:
                await asyncio.sleep(REST * (time.monotonic() - started))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_local/snapshot", self._answer),
            web.get("/_local/applied", self._answer_applied),
            web.post("/_local/applied/{inputs}", self._set_applied),
        ]

    async def _answer_applied(self, request: web.Request) -> web.Response:
        return web.json_response({"inputs": self._applied.inputs})

    async def _set_applied(self, request: web.Request) -> web.Response:
        """Store the inputs that `up` reports after a successful apply; the next snapshot has them."""
        self._applied = Applied(request.match_info["inputs"])
        self._changes += 1
        self._uncovered = self._changes
        return await self._answer_applied(request)

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer 200, or 507 (insufficient storage) with the reason."""
        try:
            written = await self.save_uncovered()
        except SnapshotError as error:
            return web.json_response({"error": str(error)}, status=507)
        size = self._file.stat().st_size if self._file.exists() else 0
        return web.json_response({"bytes": size, "written": written})


def _shape() -> str:
    """Return a digest of the fields of our pickled classes.

    A snapshot with another digest is not loaded, because its objects would lack fields.
    """
    kinds = (
        kind
        for kind in (ImportedBodies, *vars(cognito_state).values(), *vars(additions).values())
        if isinstance(kind, type)
    )
    known = sorted(
        f"{kind.__name__}.{field.name}: {field.type}"
        for kind in kinds
        if is_dataclass(kind)
        for field in fields(kind)
    )
    return f"state-{hashlib.sha256(repr(known).encode()).hexdigest()[:8]}"
