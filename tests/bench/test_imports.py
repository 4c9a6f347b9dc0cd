"""What a cold start saves by not importing it is there when it is called, and stays away until then."""

import datetime
import re
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "functions/atrium"
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT / 'functions'}:{Path(botocore.__file__).parents[1]}",
    "AWS_REGION": "eu-central-1",
}


def run(program: str, **environment: str) -> str:
    command = [
        sys.executable,
        "-S",
        "-W",
        "error",
        "-c",
        program,
    ]  # -S: what `site` imports hides what we do
    done = subprocess.run(
        command, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("atrium.http.api", {"hashlib", "http", "ssl"}),
        (
            "atrium.stores.postgres",
            {"scramp", "dateutil", "importlib.metadata", "email", "botocore"},
        ),
        (
            "atrium.stores.user_table",
            {"html.parser", "botocore.docs", "importlib.metadata", "dateutil.parser"},
        ),
    ],
)
def test_a_start_does_not_load(module: str, unwanted: set[str]) -> None:
    assert not unwanted & set(run(f"import sys, {module}; print(*sys.modules)").split())


def test_pg8000_reads_a_date_beyond_pythons_own_parser() -> None:
    program = "from atrium.stores.pipeline import core; from pg8000.converters import timestamp_in as read\n"
    assert run(program + "print(read('2026-01-01T10:00'), read('123456-01-01 00:00:00'))") == (
        f"{datetime.datetime(2026, 1, 1, 10)} 123456-01-01 00:00:00"
    )


def test_scram_is_loaded_when_a_server_asks_for_it() -> None:
    program = (
        "import sys; from atrium.stores.pipeline import core; assert 'scramp' not in sys.modules\n"
    )
    assert run(
        program
        + "print(core.scramp.ScramClient(['SCRAM-SHA-256'], 'app', 'secret').mechanism_name)"
    ) == ("SCRAM-SHA-256")


def test_the_real_modules_can_be_imported_afterwards() -> None:
    program = "import atrium.stores.user_table, atrium.stores.postgres, boto3, pg8000.native, botocore.docs.docstring as docs\n"
    names = "docs.ClientMethodDocstring.__name__, importlib.metadata.version('pg8000')"
    assert run(f"{program}import importlib.metadata; print({names})").startswith(
        "ClientMethodDocstring 1."
    )


def test_the_client_has_every_handler_that_botocore_gives_one_of_dynamodb() -> None:
    """Whatever is registered for DynamoDB's events in botocore's own session is registered in ours."""
    program = """
import botocore.session
from atrium.stores import dynamodb
theirs = botocore.session.get_session().create_client("dynamodb", region_name="eu-central-1")
def handlers(client, event):
    found = client.meta.events._emitter._handlers.prefix_search(event)
    return [getattr(one, "__qualname__", type(one).__qualname__) for one in found]
for event in ("before-parameter-build", "before-call", "request-created", "choose-signer", "before-sign", "needs-retry",
              "before-send", "after-call", "creating-client-class", "provide-client-params", "getattr"):
    name = f"{event}.dynamodb.GetItem"
    ours = [one for one in handlers(dynamodb.client(), name) if one != "_count"]
    assert ours == handlers(theirs, name), (name, ours, handlers(theirs, name))
    print(len(ours), end=" ")
"""
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    assert sum(map(int, run(program, **keys).split())) > 8


def test_the_authorities_are_amazons_as_mozilla_lists_them() -> None:
    ours = _certificates(KERNEL / "stores" / "amazon_trust_services.pem")
    listed = _certificates(Path(botocore.__file__).with_name("cacert.pem"))
    amazons = {
        pem
        for pem, name in listed.items()
        if re.search("Amazon Root CA|Starfield Services Root", name)
    }
    assert set(ours) == amazons
    assert len(amazons) == 5


@pytest.mark.parametrize(
    ("environment", "amazons"),
    [({}, True), ({"SSL_CERT_FILE": "/a.pem"}, False), ({"AWS_REGION": "cn-north-1"}, False)],
)
def test_another_trust_and_china_win_over_amazons(
    environment: dict[str, str], amazons: bool
) -> None:
    bundle = run(
        "from atrium.stores import ca_bundle; print(ca_bundle.bundle('SSL_CERT_FILE'))",
        **environment,
    )
    assert bundle == (str(KERNEL / "stores" / "amazon_trust_services.pem") if amazons else "None")


def _certificates(file: Path) -> dict[str, str]:
    """PEM → the comment before it, which names the subject. Not parsed: some in Mozilla's list are not to the letter."""
    found = re.findall(
        r"((?:#[^\n]*\n)+)(-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----)",
        file.read_text(),
        re.S,
    )
    return {pem: comment for comment, pem in found}
