"""Client of Atrium's API: sign-in, retries, entity tags, pages and typed errors."""

from atrium_client import errors, types
from atrium_client.caller import AsyncPages, Page, Pages
from atrium_client.client import AsyncAtrium, AsyncQuestion, Atrium, Question
from atrium_client.entity import etag_of
from atrium_client.hosted_page import HostedSignIn
from atrium_client.problem import ApiError
from atrium_client.tokens import InMemory, Tokens, TokenStore
from atrium_client.user_pool import SignInError

__all__ = [
    "ApiError",
    "AsyncAtrium",
    "AsyncPages",
    "AsyncQuestion",
    "Atrium",
    "HostedSignIn",
    "InMemory",
    "Page",
    "Pages",
    "Question",
    "SignInError",
    "TokenStore",
    "Tokens",
    "errors",
    "etag_of",
    "types",
]
