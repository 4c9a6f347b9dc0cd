"""botocore's sessions, imported without the modules that no call of a function needs.

A LazyModule stands for each module that is left out, and imports it at the first call of one of its
functions. `_MEMBERS` has substitutes for the members that botocore uses at import or for each
client: base classes, classes in `except` clauses, constants, and cheaper functions. bench/startup
measures the effect.
"""

import os
import sys
from types import SimpleNamespace
from typing import Any

import botocore

from atrium.runtime import lean_import
from atrium.runtime.lean_import import LazyModule, LazyPattern


def _errors(*names: str) -> SimpleNamespace:
    return SimpleNamespace(
        exceptions=SimpleNamespace(**{name: type(name, (Exception,), {}) for name in names})
    )


def _no_text(*_: object, **__: object) -> str:
    return ""


def _ca_bundle() -> str:
    """Return no file of certificate authorities, because no client here uses botocore's."""
    try:
        from certifi import where
    except ModuleNotFoundError:  # as in the layer
        from botocore.httpsession import DEFAULT_CA_BUNDLE

        return str(DEFAULT_CA_BUNDLE)
    return where()


_vendored = _errors("SSLError", "ReadTimeout", "ConnectTimeout", "ProxyError")
_etree = LazyModule(
    "xml.etree", ElementTree=LazyModule("xml.etree.ElementTree", ParseError=SyntaxError)
)
_MEMBERS: dict[str, dict[str, Any]] = {
    "botocore.docs": {"__path__": [f"{folder}/docs" for folder in botocore.__path__]},
    "botocore.docs.docstring": dict.fromkeys(
        ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"), _no_text
    ),
    # A part of the documentation that botocore's handlers for other services make at import.
    "botocore.docs.utils": dict.fromkeys(
        ("AppendParamDocumentation", "AutoPopulatedParam", "HideParamFromOperations"),
        lambda *_: SimpleNamespace(
            append_documentation=_no_text,
            document_auto_populated_param=_no_text,
            hide_param=_no_text,
        ),
    ),
    "botocore.eventstream": {"NoInitialResponseError": EOFError},
    "botocore.plugin": {"get_botocore_plugins": lambda: None},
    # The exceptions of the HTTP client that botocore used until 2018, as base classes of today's.
    "botocore.vendored.requests": vars(_vendored),
    "botocore.vendored.requests.packages": {"urllib3": _errors("ReadTimeoutError")},
    "certifi": {"where": _ca_bundle},
    "configparser": {"Error": Exception},
    # botocore checks the signature of each handler that is registered. Ours are its own.
    "inspect": {
        "getfullargspec": lambda _: (None, None, "kwargs"),
        "get_annotations": lambda cls: vars(cls).get("__annotations__", {}),
    },
    "ipaddress": {"IPv4Address": ()},  # for `isinstance`
    "platform": {
        "machine": lambda: os.uname().machine,
        "python_implementation": lambda: "CPython",
        "python_version": lambda: sys.version.partition(" ")[0],
        "release": lambda: os.uname().release,
        "system": lambda: os.uname().sysname,
    },
    "subprocess": {"PIPE": -1},
    "xml": {"etree": _etree},
}
_OTHERS = (
    *("botocore.credentials", "botocore.discovery", "botocore.monitoring", "botocore.tokens"),
    *("botocore.retries.adaptive", "botocore.retryhandler", "botocore.translate"),
    *("botocore.validate", "botocore.vendored.six", "botocore.waiter"),
    *("calendar", "dateutil.tz", "getpass", "gzip", "jmespath", "pathlib", "shlex", "tempfile"),
    *("urllib.request", "urllib3.filepost", "urllib3.util.ssltransport"),
)

session: Any = lean_import.load(
    "botocore.session",
    *(LazyModule(name, **members) for name, members in _MEMBERS.items()),
    *map(LazyModule, _OTHERS),
    _etree,
    _etree.ElementTree,
    lean_import.DATES,
    lean_import.METADATA,
)
from botocore.compat import IPV6_ADDRZ_RE  # noqa: E402  (only after botocore.session)
from urllib3.util import url  # noqa: E402

_PLAIN_HOST = LazyPattern(r"([A-Za-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")


def _has_colon(text: str) -> Any:
    return ... if ":" in text else None


# These describe IPv6, which takes a tenth of a bare cold start to compile, for each of them.
for _pattern, _method, _answer in (
    (IPV6_ADDRZ_RE, "match", _has_colon),
    (url._IPV6_ADDRZ_RE, "match", _has_colon),
    (url._HOST_PORT_RE, "fullmatch", lambda text: _PLAIN_HOST.fullmatch(text) or ...),
):
    if isinstance(_pattern, LazyPattern):  # not if the modules were imported before
        _pattern.answer_first(_method, _answer)
