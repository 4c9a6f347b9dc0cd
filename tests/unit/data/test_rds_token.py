"""Authentication tokens of RDS, compared with botocore's for the same moment.

The order of the query parameters may differ.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import botocore.session
import pytest

from atrium.stores import rds_token

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = "proxy.proxy-abc123.eu-central-1.rds.amazonaws.com"


def _credentials(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    if token is None:
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    else:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)


def _botocores(monkeypatch: pytest.MonkeyPatch, ours: str, user: str) -> str:
    """Return botocore's token for the second at which ours was signed."""
    [signed_at] = parse_qs(urlsplit(f"https://{ours}").query)["X-Amz-Date"]
    moment = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment.replace(tzinfo=None))
    rds: Any = botocore.session.get_session().create_client("rds", region_name="eu-central-1")
    token: str = rds.generate_db_auth_token(HOST, 5432, user)
    return token


@pytest.mark.parametrize("session_token", [None, "FwoGZXIvYXdzE/+==ab", "~*! 'ü&=?#"])
@pytest.mark.parametrize("user", ["app", "migrator", "ann smith+x/é~*"])
def test_the_token_equals_botocores(
    monkeypatch: pytest.MonkeyPatch, session_token: str | None, user: str
) -> None:
    _credentials(monkeypatch, session_token)
    ours = rds_token.mint(HOST, 5432, user)
    assert _parts(ours) == _parts(_botocores(monkeypatch, ours, user))


def test_the_token_is_valid_for_fifteen_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    _credentials(monkeypatch, None)
    query = parse_qs(urlsplit(f"https://{rds_token.mint(HOST, 5432, 'app')}").query)
    signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed).total_seconds()) < 5
    assert query["X-Amz-Expires"] == ["900"]


def test_credentials_outside_the_environment_are_found_by_botocore(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Check credentials as with SnapStart, which gets them from an endpoint; here from a file."""
    _credentials(monkeypatch, None)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path_factory.mktemp("aws") / "credentials"
    file.write_text(f"[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    ours = rds_token.mint(HOST, 5432, "app")
    assert "X-Amz-Credential=AKIDFILE%2F" in ours
    assert _parts(ours) == _parts(_botocores(monkeypatch, ours, "app"))


def _parts(token: str) -> tuple[str, list[str]]:
    address, query = token.split("?")
    return address, sorted(query.split("&"))
