"""The registration of `postgresql+pg8000` as an entry point of `yoyo.backends`.

An entry point comes from installed metadata, and a Lambda zip is not installed. So this module
provides the package's metadata:
https://importlib-metadata.readthedocs.io/en/latest/using.html#extending-the-search-algorithm
"""

import sys
from collections.abc import Iterable
from typing import Any

from importlib_metadata import Distribution, DistributionFinder

from migrate.connection import SCHEME

NAME = "atrium-migrate"
FILES = {
    "METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1\n",
    "entry_points.txt": f"[yoyo.backends]\n{SCHEME} = migrate.backend:Backend\n",
}


class _Migrate(Distribution):
    def read_text(self, filename: Any) -> str | None:
        return FILES.get(str(filename))

    def locate_file(self, path: Any) -> Any:
        raise FileNotFoundError(path)


class _Finder(DistributionFinder):
    def find_distributions(
        self, context: DistributionFinder.Context | None = None
    ) -> Iterable[Distribution]:
        return [_Migrate()] if context is None or context.name in (None, NAME) else []

    def find_spec(self, *_: Any) -> None:
        """Find no module, because this finder only provides metadata."""


def register() -> None:
    """Register the finder once per process. A repeat changes nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
