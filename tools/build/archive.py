"""Reproducible zips: the same content gives the same bytes on every machine.

Paths are sorted, and date, mode and compressor are fixed. `zipfile` is not used: it compresses with
the zlib that Python was built with, and forks of zlib give different bytes. libdeflate's output
depends only on its version, which requirements/dev.txt pins. Format:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import deflate

Entries = Mapping[str, bytes]
"""The content of each file by its path."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_NOTHING = _END.pack(b"PK\5\6", 0, 0, 0, 0, 0, 0, 0)

_LEVEL = 9  # 12 is the highest level; the last three save two percent and take ten times as long
_READ_BY = 20  # version 2.0 of the format, which supports deflate
_MADE_ON_UNIX = 3 << 8 | _READ_BY
_UTF_8 = 0x800
_STORED, _DEFLATED = 0, 8
_MIDNIGHT, _FIRST_OF_1980 = 0, 1 << 5 | 1  # the earliest date a zip can hold
_REGULAR_FILE_0644 = 0o100644 << 16


def archive(entries: Entries, *, after: bytes = _NOTHING) -> bytes:
    """Return a zip of `entries`, sorted by path, after the entries of another zip of ours."""
    *_, count, length, start, _ = _END.unpack(after[-_END.size :])
    files, directory = bytearray(after[:start]), bytearray(after[start : start + length])
    for path, content in sorted(entries.items()):
        name = path.encode()
        method, packed = _packed(content)
        how = (_READ_BY, _UTF_8, method, _MIDNIGHT, _FIRST_OF_1980)
        of_both = (*how, zlib.crc32(content), len(packed), len(content), len(name), 0)
        directory += (
            _CENTRAL.pack(
                b"PK\1\2", _MADE_ON_UNIX, *of_both, 0, 0, 0, _REGULAR_FILE_0644, len(files)
            )
            + name
        )
        files += _LOCAL.pack(b"PK\3\4", *of_both) + name + packed
    count += len(entries)
    return bytes(
        files + directory + _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(files), 0)
    )


def _packed(content: bytes) -> tuple[int, bytes]:
    deflated = bytes(deflate.deflate_compress(content, _LEVEL))
    return (_DEFLATED, deflated) if len(deflated) < len(content) else (_STORED, content)


def read_members(archived: bytes, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archived)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if is_wanted(name)}
