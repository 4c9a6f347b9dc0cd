"""The list of all artefacts in `build/`."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tools.build import contract, gateway_body, layer, personal_data, service_zip
from tools.build.artefacts import Artefact, digest
from tools.build.declarations import Function


def documents(root: Path, build: Path, functions: list[Function]) -> Iterator[Artefact]:
    """Yield the documents, which must precede `packages`, since a function may ship the contract."""
    merged = cache(lambda: contract.read(root, functions, noted=build / ".cache" / "openapi"))
    files = contract.files(root, functions)
    inputs = digest(
        *(part for file in files for part in (str(file.relative_to(root)), file.read_bytes()))
    )
    yield Artefact(build / "openapi.json", inputs, lambda: merged().to_json())
    yield Artefact(build / "gateway.json", inputs, lambda: gateway_body.template(merged()))
    yield layer.of_functions(build, functions)
    declared = digest(
        *(
            part
            for file in personal_data.files(root)
            for part in (str(file.relative_to(root)), file.read_bytes())
        )
    )
    yield Artefact(
        build / "personal_data.json",
        declared,
        lambda: personal_data.compiled(personal_data.read(root)),
    )


def packages(
    root: Path, build: Path, functions: list[Function], platforms: Iterable[str]
) -> list[Artefact]:
    """Yield the layers for each platform, and the functions' zips."""
    services = layer.sdk_services(function.declaration for function in functions)
    return [
        *(layer.sdk(root, build, platform, services) for platform in platforms),
        *(layer.kernel(root, build, platform) for platform in platforms),
        *(service_zip.artefact(root, build, function) for function in functions),
    ]
