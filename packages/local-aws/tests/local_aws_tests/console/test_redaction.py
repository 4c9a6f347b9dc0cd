"""Secrets that the console does not show."""

import pytest

from local_aws.console.redaction import redacted

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        (f"the token {TOKEN} has expired", TOKEN),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ('{"password":"Correct-Horse"}', "Correct-Horse"),
        ('{\\"password\\":\\"Correct-Horse\\"}', "Correct-Horse"),
        ('{"password": "Correct Horse, Battery"}', "Battery"),
        ('{\\"password\\":\\"Correct Horse\\"}', "Horse"),
        ("password=Correct-Horse&x=1", "Correct-Horse"),
        ("AWS_SECRET_ACCESS_KEY=0123456789abcdef", "0123456789abcdef"),
        ('{"SecretAccessKey": "0123456789abcdef"}', "0123456789abcdef"),
        ('{"SecretCode": "JBSWY3DPEHPK3PXP"}', "JBSWY3DPEHPK3PXP"),
        ("client_secret: 0123456789abcdef", "0123456789abcdef"),
        ("refresh_token='0123456789abcdef'", "0123456789abcdef"),
        ("x-api-key: 0123456789abcdef", "0123456789abcdef"),
        ("ALTER ROLE app PASSWORD 'it''s-secret' LOGIN", "secret"),
        ("?X-Amz-Signature=0123abc&x", "0123abc"),
        ("signed by ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"),
    ],
)
def test_a_secret_is_removed(text: str, secret: str) -> None:
    shown = redacted(text)
    assert secret not in shown
    assert "[removed]" in shown


@pytest.mark.parametrize(
    "text",
    [
        "UNAUTHORIZED: no token",
        "MISSING_AUTHENTICATION_TOKEN: no such path or method",
        "SELECT uid FROM users WHERE email = $1",
        '{"message":"request","route":"GET /v1/me","sql_round_trips":1}',
    ],
)
def test_other_text_stays(text: str) -> None:
    assert redacted(text) == text
