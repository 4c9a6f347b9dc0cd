"""Independence of services: none imports another one, not even inside a function."""

from pathlib import Path

import grimp

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
KERNEL = "atrium"


def test_a_service_imports_only_itself_and_the_kernel() -> None:
    services = {file.parent.name for file in FUNCTIONS.glob("*/function.yaml")}
    graph = grimp.build_graph(*sorted(services | {KERNEL}), cache_dir=None)
    foreign = {
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported.split(".")[0] not in {importer.split(".")[0], KERNEL}
        and ".tests." not in importer
    }
    assert len(services) > 10
    assert not foreign
