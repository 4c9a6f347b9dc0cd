"""UUIDv7, RFC 9562."""

import time
from uuid import RFC_4122

from atrium.runtime.uuid7 import uuid7


def test_version_variant_and_moment() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_later_ids_sort_later_and_all_differ() -> None:
    early = [uuid7() for _ in range(1000)]
    time.sleep(0.002)
    late = [uuid7() for _ in range(1000)]
    assert len(set(early + late)) == 2000
    assert max(early) < min(late)


def test_every_other_bit_is_random() -> None:
    seen_one = seen_zero = 0
    for _ in range(300):
        bits = uuid7().int & ((1 << 80) - 1)
        seen_one |= bits
        seen_zero |= ~bits
    fixed = ((1 << 80) - 1) & ~(seen_one & seen_zero)
    assert fixed == (0xF << 76) | (0b11 << 62)
