"""A certificate authority for this checkout, and the proxy's certificate.

The certificate is for 127.0.0.1 and localhost.
"""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from local_aws.settings import LOOPBACK

_LIFETIME = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=7)


@dataclass(frozen=True)
class Certificates:
    ca_bundle: Path  # only our authority, which clients of the proxy trust
    server: Path  # certificate and key

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server)
        return context


def certificates(folder: Path) -> Certificates:
    """Return the certificates in `folder`.

    They are created if they are absent, damaged or about to expire. The authority's key is never
    written to disk.
    """
    found = Certificates(folder / "ca.pem", folder / "proxy.pem")
    if not _usable(found):
        _create(found)
    return found


def _usable(found: Certificates) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(found.ca_bundle.read_bytes())
        server = x509.load_pem_x509_certificate(found.server.read_bytes())
        server.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False  # absent, damaged, or the two files are from different runs
    return server.not_valid_after_utc - _RENEW_BEFORE > datetime.now(UTC)


def _create(wanted: Certificates) -> None:
    import trustme  # imported here, because it is needed once a year and would slow every start

    wanted.ca_bundle.parent.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="local-aws authority")
    server = authority.issue_cert("localhost", LOOPBACK, not_after=datetime.now(UTC) + _LIFETIME)
    _write(wanted.server, server.private_key_and_cert_chain_pem.bytes(), 0o600)
    _write(wanted.ca_bundle, authority.cert_pem.bytes(), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    scratch.replace(path)
