"""A user's profile. CONTRIBUTING.md, *Add a profile field*, lists what else a field needs."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from atrium.http.text import Locale, PersonName

READ_ONLY = (
    "uid", "email", "status", "created_at", "updated_at", "consent_version", "consented_at"
)  # fmt: skip


class ProfilePatch(msgspec.Struct, forbid_unknown_fields=True):
    """The fields that a person may change. Each is a column of `users` and a field of `Profile`."""

    given_name: PersonName | UnsetType | None = UNSET
    family_name: PersonName | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET


class Profile(msgspec.Struct):
    """A row of `users`. Its fields are the columns that are read, in this order."""

    uid: UUID
    email: str
    given_name: str | None
    family_name: str | None
    locale: str | None
    status: str
    created_at: datetime
    updated_at: datetime
    version: int
    consent_version: str | None = None
    consented_at: datetime | None = None
