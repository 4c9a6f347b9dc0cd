"""The login messages of Postgres's protocol 3.0, which the proxy stand-in reads and writes itself.

https://www.postgresql.org/docs/17/protocol-message-formats.html
"""

import struct

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
PROTOCOL_3 = 3 << 16
LONGEST_STARTUP = 10_000  # the same limit as in Postgres

CLEARTEXT_PASSWORD = struct.pack("!cII", b"R", 8, 3)


def startup_parameters(body: bytes) -> dict[str, str]:
    """Parse a StartupMessage without its length and version.

    Raises:
        ValueError: it does not consist of pairs of zero-terminated strings.
    """
    fields = body.split(b"\0")
    if len(fields) < 2 or len(fields) % 2 or fields[-2:] != [b"", b""]:
        raise ValueError("the startup message is malformed")
    texts = [field.decode() for field in fields[:-2]]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def packet(code: int, body: bytes) -> bytes:
    """Build a message without a type byte: startup or cancel."""
    return struct.pack("!II", len(body) + 8, code) + body


def fatal(code: str, message: str, detail: str = "") -> bytes:
    """Build an ErrorResponse; clients show its message and detail."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message} | (
        {"D": detail} if detail else {}
    )
    body = b"".join(name.encode() + text.encode() + b"\0" for name, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body
