"""The newest requests of the stack, in bounded memory.

Summaries are kept as objects, so that a search is quick. Details of each request are kept as JSON,
in compressed blocks.
"""

import asyncio
import time
import zlib
from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import islice

import msgspec

from local_aws.api_gateway.app import Answered
from local_aws.console.entries import Seen, Summary, summary_of
from local_aws.console.traffic import Traffic
from local_aws.lambda_service import Invoked

KEPT = 100_000  # requests
KEPT_BYTES = 64 * 1024 * 1024  # of compressed blocks
BLOCK = 250  # requests that are compressed together
BLOCK_BYTES = 4 * 1024 * 1024
API_GATEWAY = "apigateway.amazonaws.com"
# The gateway answers within milliseconds after its function, unless it has timed out.
ABANDONED_SECONDS = 1.0

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Seen])


class _Block(msgspec.Struct):
    """Requests with consecutive numbers, compressed as a JSON array."""

    first: int
    compressed: bytes


class Kept:
    """The kept requests at one moment, which another thread may read."""

    def __init__(self, blocks: list[_Block], opened: list[bytes]) -> None:
        self._blocks, self._open = blocks, opened

    def newest_first(self) -> Iterator[bytes]:
        """Yield JSON arrays of requests."""
        yield b"[" + b",".join(self._open) + b"]"
        for block in reversed(self._blocks):
            yield zlib.decompress(block.compressed)

    def decode(self, block: bytes) -> list[Seen]:
        return _decoder.decode(block)


class Recorder:
    """The recorder of requests; `changed` is set after each one."""

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self.changed = asyncio.Event()
        self._most, self._most_bytes = kept, kept_bytes
        self._summaries: deque[Summary] = deque()
        self._blocks: deque[_Block] = deque()
        self._bytes = 0
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._waiting: OrderedDict[str, tuple[float, Invoked]] = OrderedDict()
        self._epoch = time.time() - time.perf_counter()
        self.next = 1  # the next request's number
        self.traffic = Traffic()

    @property
    def oldest(self) -> int:
        return self.next - len(self._summaries)

    def invoked(self, seen: Invoked) -> None:
        now = time.perf_counter()
        while self._waiting:
            since, abandoned = next(iter(self._waiting.values()))
            if since > now - ABANDONED_SECONDS:
                break
            self._waiting.popitem(last=False)
            self._keep(Seen(self.next, self._epoch + abandoned.began, None, abandoned))
        if seen.source == API_GATEWAY:
            self._waiting[seen.request_id] = now, seen
        else:
            self._keep(Seen(self.next, self._epoch + seen.began, None, seen))

    def answered(self, seen: Answered) -> None:
        _, invoked = self._waiting.pop(seen.function_request_id or "", (0.0, None))
        self._keep(Seen(self.next, self._epoch + seen.began, seen, invoked))

    def newest(self, after: int, most: int) -> list[Summary]:
        """Return the newest requests with numbers above `after`, at most `most`, oldest first."""
        count = min(self.next - 1 - after, len(self._summaries), most)
        return list(islice(reversed(self._summaries), count))[::-1]

    def before(self, number: int) -> Iterator[Summary]:
        """Yield the requests with numbers below `number`, newest first."""
        return islice(reversed(self._summaries), max(self.next - number, 0), None)

    def kept(self) -> Kept:
        return Kept(list(self._blocks), list(self._open))

    def find(self, number: int) -> Seen | None:
        """Return the details of a request; None if they are no longer kept."""
        if not self.oldest <= number < self.next:
            return None
        first_open = self.next - len(self._open)
        if number >= first_open:
            return _decoder.decode(b"[" + self._open[number - first_open] + b"]")[0]
        block = next(each for each in reversed(self._blocks) if each.first <= number)
        return _decoder.decode(zlib.decompress(block.compressed))[number - block.first]

    def _keep(self, seen: Seen) -> None:
        self.next += 1
        self._summaries.append(summary_of(seen))
        self.traffic.note(seen)
        encoded = _encoder.encode(seen)
        self._open.append(encoded)
        self._open_bytes += len(encoded)
        if len(self._open) >= BLOCK or self._open_bytes >= BLOCK_BYTES:
            self._close_block()
        self.changed.set()

    def _close_block(self) -> None:
        compressed = zlib.compress(b"[" + b",".join(self._open) + b"]", 1)
        self._blocks.append(_Block(self.next - len(self._open), compressed))
        self._bytes += len(compressed)
        self._open, self._open_bytes = [], 0
        while len(self._summaries) > self._most or self._bytes > self._most_bytes:
            self._bytes -= len(self._blocks.popleft().compressed)
            oldest = self._blocks[0].first if self._blocks else self.next
            while self._summaries and self._summaries[0].number < oldest:
                self._summaries.popleft()
