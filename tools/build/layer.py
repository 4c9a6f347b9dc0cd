"""The layers: `kernel` for every function, and `sdk` for functions that access more than Postgres."""

import json
from collections.abc import Iterable
from pathlib import Path

from tools.build import artefacts, botocore_data, zips
from tools.build.archive import archive
from tools.build.declarations import KERNEL, KERNEL_LAYER, SDK_LAYER, Declaration, Function
from tools.build.packages import Packages

_PLACE = zips.Place(zip_folder="python", lambda_folder="/opt/python")

# What the kernel never imports. Of asn1crypto scramp reads X.509 only, of dateutil pg8000 the parser only. Without its
# C extension wrapt uses its Python one, and only the X-Ray SDK needs it, on a sampled request.
_UNUSED = (
    *(
        "asn1crypto/_perf/*",
        *(f"asn1crypto/{name}.py" for name in ("cms", "crl", "csr", "ocsp", "pdf", "pkcs12", "tsp")),
    ),
    *("dateutil/zoneinfo/*", "dateutil/rrule.py", "dateutil/easter.py", "dateutil/tz/win.py", "dateutil/tzwin.py"),
    *("aws_xray_sdk/ext/*", "botocore/stub.py", "wrapt/_wrappers.*"),
    *(
        "urllib3/contrib/emscripten/*",
        "urllib3/contrib/pyopenssl.py",
        "urllib3/contrib/socks.py",
        "urllib3/http2/connection.py",
    ),
)

# A session reads DynamoDB, and the X-Ray SDK makes an X-Ray client as soon as it is imported.
_ALWAYS_CALLED = ("dynamodb", "xray")


def sdk_services(declarations: Iterable[Declaration]) -> list[str]:
    """botocore's names of the services that functions may call, and of the kernel's own."""
    services = set(_ALWAYS_CALLED)
    for data in (declaration.data for declaration in declarations):
        services |= {"cognito-idp"} if data.cognito else set()
        services |= {"lambda"} if data.invoke else set()
        services |= {"ssm"} if data.parameters else set()
        services |= {"secretsmanager"} if data.database_secrets else set()
    return sorted(services)


def kernel(root: Path, build: Path, platform: str) -> artefacts.Artefact:
    """`build`/layer/<platform>/kernel.zip: ours, and the wheels it stands on."""
    wheels = Packages(
        lock=root / "requirements" / f"{KERNEL_LAYER}.txt",
        platform=platform,
        place=_PLACE,
        cache=build / ".cache" / "wheels",
        is_wanted=lambda name: not zips.matches(name, _UNUSED),
    )
    ours = zips.read_tree(root / "functions" / KERNEL, is_wanted=lambda name: name not in ("openapi.yaml", "personal-data.yaml"))
    ours = zips.below(KERNEL, ours)

    def make() -> bytes:
        compiled = zips.with_bytecode(ours, _PLACE, root / "functions")
        return archive(zips.below(_PLACE.zip_folder, compiled), after=wheels.zipped())

    return artefacts.Artefact(
        path_of(build, platform, KERNEL_LAYER), artefacts.digest(wheels.digest, *zips.flat(ours)), make
    )


def sdk(root: Path, build: Path, platform: str, services: list[str]) -> artefacts.Artefact:
    """`build`/layer/<platform>/sdk.zip: AWS's SDK, which knows `services` only."""
    wheels = Packages(
        lock=root / "requirements" / f"{SDK_LAYER}.txt",
        platform=platform,
        place=_PLACE,
        cache=build / ".cache" / "wheels",
        is_wanted=lambda name: not zips.matches(name, _UNUSED) and botocore_data.is_wanted(name, services),
        trim=lambda entries: botocore_data.trim(entries, services),
        decided_by=" ".join(services),
    )
    return artefacts.Artefact(path_of(build, platform, SDK_LAYER), wheels.digest, wheels.zipped)


def of_functions(build: Path, functions: Iterable[Function]) -> artefacts.Artefact:
    """`build`/layers.json: function → its layers, for Terraform."""
    content = json.dumps({function.name: function.layers for function in functions}, indent=1).encode() + b"\n"
    return artefacts.Artefact(build / "layers.json", artefacts.digest(content), lambda: content)


def path_of(build: Path, platform: str, layer: str) -> Path:
    return build / "layer" / platform / f"{layer}.zip"
