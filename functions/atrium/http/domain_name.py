"""The normal form of domain names: lower-case ASCII by IDNA 2008 with UTS 46 mapping.

The mapping is non-transitional. `Bücher.example`, its NFD and full-width spellings and
`xn--bcher-kva.example` become one domain. `faß.example` and `fass.example` remain two.
"""

from atrium.runtime import lean_import

_ASCII = lean_import.pattern(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"
)
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
    import idna  # imported here: it takes 35 ms, and most domains are ASCII

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except UnicodeError as error:
        raise ValueError("Must be a domain name that IDNA 2008 allows") from error
