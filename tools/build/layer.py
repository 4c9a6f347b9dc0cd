"""The layers: `kernel` for every function, `sdk` for those that access more than Postgres."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from tools.build import artefacts, botocore_data, zips
from tools.build.archive import archive
from tools.build.declarations import (
    FOR_THE_BUILD,
    KERNEL,
    KERNEL_LAYER,
    SDK_LAYER,
    Declaration,
    Function,
)
from tools.build.packages import Packages

_PLACE = zips.Place(zip_folder="python", lambda_folder="/opt/python")

# Modules that the kernel never imports. scramp needs only X.509 of asn1crypto, and pg8000 only the
# parser of dateutil. wrapt works without its C extension; only the X-Ray SDK uses it, for sampled
# requests. botocore's signers of awscrt need a package that no layer has. asn1crypto uses
# _inet on Windows only, and the X-Ray SDK its plug-ins and the rest only if it is told to.
_UNUSED = (
    *(
        "asn1crypto/_perf/*",
        *(
            f"asn1crypto/{name}.py"
            for name in ("cms", "crl", "csr", "ocsp", "pdf", "pkcs12", "tsp")
        ),
    ),
    *(
        "dateutil/zoneinfo/*",
        "dateutil/rrule.py",
        "dateutil/easter.py",
        "dateutil/tz/win.py",
        "dateutil/tzwin.py",
    ),
    *(f"idna/{name}.py" for name in ("__main__", "cli", "codec", "compat")),
    *(
        "aws_xray_sdk/ext/*",
        "botocore/crt/auth.py",
        "botocore/cacert.pem",
        "botocore/stub.py",
        "wrapt/_wrappers.*",
    ),
    *("asn1crypto/_inet.py", "dateutil/utils.py", "aws_xray_sdk/core/async_context.py"),
    *("aws_xray_sdk/core/plugins/*_plugin.py", "aws_xray_sdk/core/utils/sqs_message_helper.py"),
    *(
        "urllib3/contrib/emscripten/*",
        "urllib3/contrib/pyopenssl.py",
        "urllib3/contrib/socks.py",
        "urllib3/http2/connection.py",
    ),
)

# The check of a session reads DynamoDB, and the X-Ray SDK creates an X-Ray client at import.
_ALWAYS_CALLED = ("dynamodb", "xray")


def sdk_services(declarations: Iterable[Declaration]) -> list[str]:
    """Return botocore's names of the services that the functions and the kernel may call."""
    services = set(_ALWAYS_CALLED)
    for data in (declaration.data for declaration in declarations):
        services |= {"cognito-idp"} if data.cognito else set()
        services |= {"lambda"} if data.invoke else set()
        services |= {"ssm"} if data.parameters else set()
        services |= {"sesv2"} if data.mails else set()
        services |= {"secretsmanager"} if data.database_secrets else set()
        services |= {"events"} if data.event_bus else set()
    return sorted(services)


def kernel(root: Path, build: Path, platform: str) -> artefacts.Artefact:
    """Return the layer `build`/layer/<platform>/kernel.zip: the kernel and its dependencies."""
    wheels = Packages(
        lock=root / "requirements" / f"{KERNEL_LAYER}.txt",
        platform=platform,
        place=_PLACE,
        cache=build / ".cache" / "wheels",
        is_wanted=lambda name: not zips.matches(name, _UNUSED),
    )
    ours = zips.read_tree(
        root / "functions" / KERNEL, is_wanted=lambda name: name not in FOR_THE_BUILD
    )
    ours = zips.below(KERNEL, ours)

    def make() -> bytes:
        compiled = zips.with_bytecode(ours, _PLACE, root / "functions")
        return archive(zips.below(_PLACE.zip_folder, compiled), after=wheels.zipped())

    return artefacts.Artefact(
        path_of(build, platform, KERNEL_LAYER),
        artefacts.digest(wheels.digest, *zips.flat(ours)),
        make,
    )


def sdk(root: Path, build: Path, platform: str, services: list[str]) -> artefacts.Artefact:
    """Return the layer `build`/layer/<platform>/sdk.zip: AWS's SDK, reduced to `services`.

    Every client of botocore trusts Amazon's five authorities, unless it is given others. Mozilla's
    140 take 130 kB, and longer to parse than Python takes to start.
    """
    amazons = (root / "functions" / KERNEL / "stores/amazon_trust_services.pem").read_bytes()
    authorities = {"botocore/cacert.pem": amazons}
    wheels = Packages(
        lock=root / "requirements" / f"{SDK_LAYER}.txt",
        platform=platform,
        place=_PLACE,
        cache=build / ".cache" / "wheels",
        is_wanted=lambda name: (
            not zips.matches(name, _UNUSED) and botocore_data.is_wanted(name, services)
        ),
        trim=lambda entries: botocore_data.trim(entries, services) | authorities,
        decided_by=f"{services} {hashlib.sha256(amazons).hexdigest()}",
    )
    return artefacts.Artefact(path_of(build, platform, SDK_LAYER), wheels.digest, wheels.zipped)


def of_functions(build: Path, functions: Iterable[Function]) -> artefacts.Artefact:
    """Return `build`/layers.json, which maps each function to its layers, for Terraform."""
    content = (
        json.dumps({function.name: function.layers for function in functions}, indent=1).encode()
        + b"\n"
    )
    return artefacts.Artefact(build / "layers.json", artefacts.digest(content), lambda: content)


def path_of(build: Path, platform: str, layer: str) -> Path:
    return build / "layer" / platform / f"{layer}.zip"
