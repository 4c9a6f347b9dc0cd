"""A service for a test, from routes and the rules about who may call each."""

import atexit
import itertools
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import msgspec

from atrium import api
from atrium.api import Handler, Operation
from atrium.identity.rules import Alternative, Rule

PUBLIC = (Alternative("public"),)
SELF = (Alternative("self"),)

_numbers = itertools.count()
_folder = tempfile.mkdtemp(prefix="atrium-services-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)


def service(
    routes: Mapping[str, Operation],
    allow: Mapping[str, Sequence[Alternative]] | None = None,
    cached: Collection[str] = (),
    recent_sign_in: int | None = None,
    headers: Mapping[str, Mapping[str, str]] | None = None,
) -> Handler:
    """Return the service's Lambda handler. A route that `allow` does not name is public.

    Routes other than GET need current authority, except those in `cached`. `recent_sign_in` applies
    to every route that is not public. `headers` are added to a route's responses.
    """
    package = ModuleType(f"service_{next(_numbers)}")
    folder = Path(_folder, package.__name__)
    folder.mkdir()
    package.__path__ = [str(folder)]
    rules = {
        route: Rule(
            (allow or {}).get(route, PUBLIC),
            current_authority=not (route.startswith("GET ") or route in cached),
            scopes=("atrium/me",),
            recent_sign_in=recent_sign_in if route in (allow or {}) else None,
            takes_query=True,
            headers=(headers or {}).get(route, {}),
        )
        for route in routes
    }
    (folder / "rules.json").write_bytes(msgspec.json.encode(rules))
    sys.modules[package.__name__] = package
    return api.api(package.__name__, routes)
