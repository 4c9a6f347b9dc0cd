"""The behaviours of AWS that are emulated, refused or different here, one YAML file a part.

Each behaviour names AWS's documentation and the tests that check it. A test's path is relative to
the folder of the tests.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import botocore.session
import msgspec

FOLDER = Path(__file__).parent
# In the order of a reader's interest.
PARTS = (
    "endpoint",
    "api_gateway",
    "lambda",
    "event_sources",
    "dynamodb",
    "cognito",
    "iam",
    "network",
    "rds",
    "s3",
    "ses",
    "cloudwatch",
    "xray",
)


class Status(StrEnum):
    EMULATED = "emulated"
    DIFFERS = "differs"
    REFUSED = "refused"


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A behaviour of AWS, or a difference from it. `sources` maps titles to addresses."""

    what: str
    status: Status
    sources: dict[str, str] = {}
    tests: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of AWS with the signing names of its services."""

    title: str
    services: tuple[str, ...]
    behaviours: tuple[Behaviour, ...]


def read(file: Path) -> Part:
    return msgspec.yaml.decode(file.read_bytes(), type=Part)


def parts() -> Iterator[Part]:
    for name in PARTS:
        yield read(FOLDER / f"{name}.yaml")


def refused_operations() -> dict[str, list[str]]:
    """Return the operations of AWS's models that are a 501 whatever their parameters, by service.

    Only Cognito's are known. Other services forward unknown operations to moto.
    """
    from local_aws.cognito.endpoint import OPERATIONS  # Imported here, because it imports moto.
    from local_aws.cognito.management import FORWARDED

    model = botocore.session.get_session().get_service_model("cognito-idp")
    return {"cognito-idp": sorted(set(model.operation_names) - OPERATIONS.keys() - set(FORWARDED))}
