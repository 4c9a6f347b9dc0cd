"""Valid names of roles, actions, scopes and namespaces. A permission is `<type>.<action>`."""

import re
from typing import Annotated

from msgspec import Meta

from atrium.identity.permissions import ROLE_NAME

_WORD = "[a-z][a-z0-9_]{0,63}"

RoleName = Annotated[str, Meta(pattern=ROLE_NAME)]
Action = Annotated[str, Meta(pattern=rf"^{_WORD}\Z")]
Permission = Annotated[str, Meta(pattern=rf"^{_WORD}\.{_WORD}\Z")]
Resource = Annotated[str, Meta(pattern=rf"^{_WORD}:[^\x00-\x1f]{{1,200}}\Z")]
Scope = Annotated[str, Meta(pattern=rf"^(\*|{_WORD}:[^\x00-\x1f]{{1,200}})\Z")]
Name = Annotated[str, Meta(pattern=rf"^{_WORD}\Z")]
"""A name of a namespace, or of an attribute in one."""


def is_name(text: str) -> bool:
    return bool(re.fullmatch(_WORD, text))
