from pathlib import Path

from local_aws.database.tls import certificates


def test_certificates_are_kept(tmp_path: Path) -> None:
    first = certificates(tmp_path / "tls")
    content = first.ca_bundle.read_bytes(), first.server.read_bytes()
    second = certificates(tmp_path / "tls")
    assert (second.ca_bundle.read_bytes(), second.server.read_bytes()) == content
    assert first.server.stat().st_mode & 0o777 == 0o600
    assert content[0].count(b"BEGIN CERTIFICATE") == 1
    assert b"PRIVATE" not in content[0]


def test_certificates_that_do_not_belong_together_are_made_anew(tmp_path: Path) -> None:
    ours, other = certificates(tmp_path / "tls"), certificates(tmp_path / "other")
    stale = other.ca_bundle.read_bytes()
    ours.ca_bundle.write_bytes(stale)
    assert certificates(tmp_path / "tls").ca_bundle.read_bytes() != stale
    ours.server.write_text("damaged")
    certificates(tmp_path / "tls").server_context()
