"""One normal form of domain names: ASCII, lower case, IDNA 2008 with the mapping of UTS 46 (non-transitional).

So `Bücher.example`, its NFD spelling, the one in full-width letters and `xn--bcher-kva.example` are one domain, and `faß.example` is
not `fass.example`.
"""

import re

_ASCII = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_MAX_LENGTH = 253


def normal(domain: str) -> str:
    """Return the normal form of a domain name. Raise ValueError for anything else."""
    name = domain.lower()
    if len(name) <= _MAX_LENGTH and not (name.isascii() and "xn--" not in name):
        name = _encoded(name)
    if len(name) > _MAX_LENGTH or not _ASCII.fullmatch(name):
        raise ValueError("Must be a domain name such as `example.org`")
    return name


def _encoded(domain: str) -> str:
    import idna  # 35 ms, and most domains are ASCII

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except UnicodeError as error:
        raise ValueError("Must be a domain name that IDNA 2008 allows") from error
