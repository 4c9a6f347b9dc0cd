"""Lazy imports: a cold start does not load these modules, and they work at their first use."""

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
    ]  # -S: `site` imports modules that we must not need
    done = subprocess.run(
        command, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("atrium.api", {"hashlib", "http", "ssl"}),
        (
            "atrium.stores.postgres",
            {"scramp", "dateutil", "importlib.metadata", "email", "botocore"},
        ),
        (
            "atrium.stores.user_table",
            {
                *("html.parser", "botocore.docs", "importlib.metadata", "dateutil.parser"),
                *("calendar", "configparser", "dateutil.tz", "getpass", "gzip"),
                *("jmespath", "shlex", "subprocess", "tempfile", "urllib.request", "xml.etree"),
                *("botocore.eventstream", "botocore.monitoring", "botocore.translate"),
            },
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


def test_scram_is_loaded_when_a_server_requests_it() -> None:
    program = (
        "import sys; from atrium.stores.pipeline import core; assert 'scramp' not in sys.modules\n"
    )
    assert run(
        program
        + "print(core.scramp.ScramClient(['SCRAM-SHA-256'], 'app', 'secret').mechanism_name)"
    ) == ("SCRAM-SHA-256")


def test_the_real_modules_can_be_imported_later() -> None:
    program = "import atrium.stores.user_table, atrium.stores.postgres, boto3, pg8000.native, botocore.docs.docstring as docs\n"
    names = "docs.ClientMethodDocstring.__name__, importlib.metadata.version('pg8000')"
    assert run(f"{program}import importlib.metadata; print({names})").startswith(
        "ClientMethodDocstring 1."
    )


def test_a_regular_expression_of_the_sdk_is_compiled_at_its_first_use() -> None:
    program = """
import re
compiled, compile = [], re.compile
re._compiler.compile = lambda *given, real=re._compiler.compile: compiled.append(given) or real(*given)
from atrium.stores import dynamodb
from botocore.utils import is_valid_ipv6_endpoint_url
from botocore.compat import IPV6_ADDRZ_RE
assert re.compile is compile and IPV6_ADDRZ_RE is not None
before = len(compiled)
print(is_valid_ipv6_endpoint_url("https://[::1]:8000"), is_valid_ipv6_endpoint_url("https://127.0.0.1"), len(compiled) - before)
"""
    assert run(program) == "True False 1"


def test_the_sdk_works_with_modules_that_its_import_left_out(tmp_path: Path) -> None:
    """Use a settings file, a date, XML, a proxy and a signature after the placeholders are gone."""
    settings = tmp_path / "config"
    settings.write_text("[default]\nregion = eu-west-1\n")
    program = """
import datetime, os
from atrium.stores import dynamodb
import botocore.compat, botocore.configloader, botocore.serialize, botocore.utils
print(botocore.configloader.load_config(os.environ["SETTINGS"])["profiles"])
print(botocore.utils.parse_timestamp("2026-01-01T00:00:00Z"), botocore.serialize.Serializer()._timestamp_unixtimestamp(
    datetime.datetime(2026, 1, 1)))
try:
    botocore.compat.ETree.fromstring("<a>")
except botocore.compat.XMLParseError:
    print("not XML")
print(botocore.utils.get_environ_proxies("https://a.example"), botocore.compat.shlex.split("a 'b c'"))
print(botocore.httpsession.get_cert_path(True).endswith("cacert.pem"))
keys = botocore.session.get_session().get_credentials()
print(type(keys).__name__, keys.method, keys.access_key)
from urllib3.util.url import parse_url
for address in ("https://a-1.example:443/b", "http://[fe80::1]:80", "https://127.0.0.1", "http://a_b"):
    print(*parse_url(address)[2:4], end=" ")
print(botocore.utils.is_valid_ipv6_endpoint_url("https://[::1]"))
import inspect, dataclasses
print(inspect.signature(dataclasses.make_dataclass("A", ["b"])))
"""
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    environment = {"HTTPS_PROXY": "http://proxy", "SETTINGS": str(settings)} | keys
    assert run(program, **environment).splitlines() == [
        "{'default': {'region': 'eu-west-1'}}",
        "2026-01-01 00:00:00+00:00 1767225600",
        "not XML",
        "{'https': 'http://proxy'} ['a', 'b c']",
        "True",
        "Credentials env nobody",
        "a-1.example 443 [fe80::1] 80 127.0.0.1 None a_b None True",
        "(b: 'typing.Any') -> None",
    ]


def test_the_client_has_every_event_handler_of_botocores_own() -> None:
    """Compare the handlers that botocore's own session and ours register for DynamoDB's events."""
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


def test_the_shipped_certificates_are_amazons_in_mozillas_list() -> None:
    ours = _certificates(KERNEL / "stores" / "amazon_trust_services.pem")
    listed = _certificates(Path(botocore.__file__).with_name("cacert.pem"))
    amazons = {
        pem
        for pem, name in listed.items()
        if re.search("Amazon Root CA|Starfield Services Root", name)
    }
    assert set(ours) == amazons
    assert len(amazons) == 5


AMAZONS = str(KERNEL / "stores" / "amazon_trust_services.pem")
SYSTEMS = "import ssl; print(ssl.get_default_verify_paths().cafile)"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, AMAZONS),
        ({"SSL_CERT_FILE": "/a.pem"}, "None"),
        ({"AWS_REGION": "cn-north-1"}, run(SYSTEMS)),
    ],
)
def test_another_ca_bundle_and_china_override_amazons_certificates(
    environment: dict[str, str], expected: str
) -> None:
    bundle = run(
        "from atrium.stores import ca_bundle; print(ca_bundle.bundle('SSL_CERT_FILE'))",
        **environment,
    )
    assert bundle == expected


def _certificates(file: Path) -> dict[str, str]:
    """Return PEM texts with the comment before each, which names the subject.

    They are not parsed, because some in Mozilla's list are not valid DER.
    """
    found = re.findall(
        r"((?:#[^\n]*\n)+)(-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----)",
        file.read_text(),
        re.S,
    )
    return {pem: comment for comment, pem in found}
