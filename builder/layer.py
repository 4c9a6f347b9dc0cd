"""The shared layer: the kernel and the wheels it stands on, without what no function loads."""

from collections.abc import Iterable
from pathlib import Path

from builder import artefacts, botocore_data, zips
from builder.declarations import KERNEL, Declaration
from builder.packages import Packages

_PLACE = zips.Place(zip_folder="python", lambda_folder="/opt/python")

# What the kernel never imports. Without its C extension wrapt uses its Python one, and only the X-Ray SDK needs it,
# on a sampled request.
_UNUSED = ("aws_xray_sdk/ext/*", "dateutil/zoneinfo/*.tar.gz", "urllib3/contrib/emscripten/*", "wrapt/_wrappers.*")

# Its sessions read DynamoDB, and the X-Ray SDK makes an X-Ray client as soon as it is imported.
_KERNEL_SERVICES = ("dynamodb", "xray")


def sdk_services(declarations: Iterable[Declaration]) -> list[str]:
    """botocore's names of the services that functions may call, and of the kernel's own."""
    services = set(_KERNEL_SERVICES)
    for data in (declaration.data for declaration in declarations):
        services |= {"cognito-idp"} if data.cognito else set()
        services |= {"lambda"} if data.invoke else set()
        services |= {"secretsmanager"} if data.database_secrets else set()
    return sorted(services)


def artefact(root: Path, build: Path, platform: str, services: list[str]) -> artefacts.Artefact:
    """`build`/layer/<platform>.zip, whose SDK knows `services` only."""
    wheels = Packages(
        lock=root / "requirements" / "layer.txt",
        platform=platform,
        place=_PLACE,
        cache=build / ".cache" / "wheels",
        is_wanted=lambda name: not zips.matches(name, _UNUSED) and botocore_data.is_wanted(name, services),
        trim=lambda entries: botocore_data.trim(entries, services),
        decided_by=" ".join(services),
    )
    kernel = zips.read_tree(root / "functions" / KERNEL, is_wanted=lambda name: name != "openapi.yaml")
    kernel = zips.below(KERNEL, kernel)

    def make() -> bytes:
        compiled = zips.with_bytecode(kernel, _PLACE, root / "functions")
        return zips.archive(zips.below(_PLACE.zip_folder, compiled), after=wheels.zipped(), compress=True)

    return artefacts.Artefact(
        build / "layer" / f"{platform}.zip", artefacts.digest(wheels.digest, *zips.flat(kernel)), make
    )
