from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509

from local_aws.database.tls import certificates


def test_certificates_are_kept_between_runs(tmp_path: Path) -> None:
    first = certificates(tmp_path / "tls")
    content = first.ca_bundle.read_bytes(), first.server.read_bytes()
    second = certificates(tmp_path / "tls")
    assert (second.ca_bundle.read_bytes(), second.server.read_bytes()) == content
    assert first.server.stat().st_mode & 0o777 == 0o600
    assert content[0].count(b"BEGIN CERTIFICATE") == 1
    assert b"PRIVATE" not in content[0]


def test_certificates_that_do_not_match_are_created_again(tmp_path: Path) -> None:
    ours, other = certificates(tmp_path / "tls"), certificates(tmp_path / "other")
    stale = other.ca_bundle.read_bytes()
    ours.ca_bundle.write_bytes(stale)
    assert certificates(tmp_path / "tls").ca_bundle.read_bytes() != stale
    ours.server.write_text("damaged")
    certificates(tmp_path / "tls").server_context()


def test_the_servers_certificate_is_for_loopback_and_for_a_year(tmp_path: Path) -> None:
    server = x509.load_pem_x509_certificate(certificates(tmp_path).server.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("127.0.0.1")]
    assert (
        timedelta(days=364) < server.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=365)
    )
