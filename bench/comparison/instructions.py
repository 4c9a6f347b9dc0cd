"""Instructions of start-up and of a warm request, of Atrium and of its peers, by callgrind."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from bench.comparison.rows import Row
from bench.peers import stacks
from bench.startup import worker
from bench.startup.artefacts import Artefacts
from bench.startup.routes import BARE, Route, event
from bench.startup.worker import Start

WARM = 20
"""The warm requests that are counted after the first one."""


@dataclass(frozen=True)
class Peer:
    """A peer of one of our routes, with its own function."""

    name: str
    function: str
    route: str


STARTS = {
    "sql": (Peer("Powertools + psycopg + boto3's token", "powertools_stores", "GET /v1/query"),),
    "epoch_check": (
        Peer("boto3 client alone, one GetItem", "boto3_client", "GET /v1/health"),
        Peer("Powertools + boto3 + psycopg", "powertools_stores", "GET /v1/me"),
    ),
}
ECHOES = (
    Peer("Chalice without validation", "chalice_app", "POST /v1/echo"),
    Peer("Powertools' resolver without validation", "powertools", "POST /v1/echo"),
    Peer("FastAPI + Mangum", "fastapi_app", "POST /v1/echo"),
    Peer("Powertools, complete", "powertools_complete", "POST /v1/echo"),
)
TIMES_LESS = {"Powertools, complete": 25.0}


def rows(built: Artefacts, routes: list[Route]) -> Iterator[Row]:
    """Yield the rows. Two processes are counted at a time, ours and the peers' mixed."""
    stores = routes[-1].start.environment
    work = {route.name: (built, route.start) for route in routes}
    for peers in STARTS.values():
        work |= {_key(peer): _of(peer, built, stores) for peer in peers}
    echoes = {"echo": (built, Start("echo", echo(), {})), BARE: work[BARE]}
    echoes |= {_key(peer): _of(peer, built, stores) for peer in ECHOES}
    work |= echoes
    for name, (artefacts, start) in echoes.items():
        work[f"{name}, warm"] = (artefacts, replace(start, requests=1 + WARM))
    with ThreadPoolExecutor(2) as pool:
        counted = pool.map(lambda job: worker.instructions(*job), work.values())
        counts = dict(zip(work, counted, strict=True))
    yield from _start_rows(counts, routes)
    yield from _warm_rows(counts)


def _start_rows(counts: dict[str, int], routes: list[Route]) -> Iterator[Row]:
    def row(name: str, what: str, peer: Peer | None = None, at_most: float | None = None) -> Row:
        bare = counts[BARE]
        return Row(
            group="Start-up, process start to first response", what=what, unit="times bare",
            ours=counts[name] / bare, at_most=at_most,
            peer=peer.name if peer else "", theirs=counts[_key(peer)] / bare if peer else None,
        )  # fmt: skip

    for peer in ECHOES:
        yield row("echo", "no store: POST with a validated body", peer)
    for route in routes[1:]:
        yield row(route.name, route.what, at_most=TARGETS[route.name])
        for peer in STARTS.get(route.name, ()):
            yield row(route.name, route.what, peer)


TARGETS = {"no_store": 1.3, "sql": 1.9, "epoch_check": 3.5}


def _warm_rows(counts: dict[str, int]) -> Iterator[Row]:
    def each(name: str) -> float:
        return (counts[f"{name}, warm"] - counts[name]) / WARM / 1000

    runtime = each(BARE)
    ours = each("echo") - runtime
    for peer in ECHOES:
        yield Row(
            group="Warm request: routing, body, validation, response, log; no I/O",
            what="beyond the runtime's own work",
            unit="1,000 instructions",
            ours=ours,
            peer=peer.name,
            theirs=each(_key(peer)) - runtime,
            times_less=TIMES_LESS.get(peer.name),
        )


def _key(peer: Peer) -> str:
    return f"{peer.function} {peer.route}"


def _of(peer: Peer, built: Artefacts, environment: dict[str, str]) -> tuple[Artefacts, Start]:
    sent = echo() if peer.route.endswith("echo") else event(peer.route)
    artefacts = stacks.stack_of(peer.function).artefacts(built.runtime)
    return artefacts, Start(peer.function, sent, environment)


def echo() -> dict[str, Any]:
    sent = event("POST /v1/echo")
    sent["headers"]["Content-Type"] = "application/json"
    sent["multiValueHeaders"]["Content-Type"] = ["application/json"]
    return sent | {"body": json.dumps({"name": "flat white", "quantity": 2})}
