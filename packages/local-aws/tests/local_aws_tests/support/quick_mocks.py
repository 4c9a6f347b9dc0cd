"""Quicker `mock_aws()` and clients, and one call of moto at a time.

Importing this module patches moto and botocore. botocore reads its descriptions of services once
per process instead of once per session, because moto creates a session for each `mock_aws()`. And
moto answers only botocore, without the 1,300 patterns with which it answers `requests` and
`urllib3`.

moto's backends have no locks: a read in one thread fails with "dictionary changed size during
iteration" if another thread writes. Tests call from several threads, as functions do.
"""

import copy
import functools
import threading
from typing import Any

import botocore.loaders
import botocore.session
from moto.core import models, responses, utils
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models.dynamo_type import DynamoType

from local_aws.control_plane import moto_growth  # noqa: F401 - parses AWS's policies once

_create_loader = botocore.loaders.create_loader


@functools.cache
def _loader(search_path_string: str | None = None) -> botocore.loaders.Loader:
    loader = _create_loader(search_path_string)
    read = loader.load_service_model

    def load_service_model(service_name: str, *arguments: Any, **named: Any) -> Any:
        model = read(service_name, *arguments, **named)
        # S3's client removes the bucket from the paths of its description, so it gets a copy.
        return copy.deepcopy(model) if service_name == "s3" else model

    loader.load_service_model = load_service_model  # type: ignore[method-assign]
    return loader


botocore.session.create_loader = _loader

models.RESPONSES_METHODS.clear()

_one_at_a_time = threading.RLock()
_answer = BotocoreStubber.__call__


def _answer_alone(self: BotocoreStubber, event_name: str, request: Any, **kwargs: Any) -> Any:
    with _one_at_a_time:
        return _answer(self, event_name, request, **kwargs)


BotocoreStubber.__call__ = _answer_alone  # type: ignore[method-assign]

# moto lists the methods of a class for each call.
responses.method_names_from_class = functools.cache(utils.method_names_from_class)  # type: ignore[attr-defined]

_SCALARS = frozenset({"S", "N", "BOOL", "NULL"})
_serialize = ResponseSerializer._serialize
_cast_value: Any = DynamoType.cast_value


def _serialize_scalars(
    self: ResponseSerializer, serialized: Any, value: Any, shape: Any, key: str
) -> None:
    """Serialize a scalar of DynamoDB unchanged; moto tries four names for each of ten types."""
    if shape.name == "AttributeValue" and type(value) is dict and value.keys() <= _SCALARS:
        self._default_serialize(serialized, value, shape, key)
    else:
        _serialize(self, serialized, value, shape, key)


ResponseSerializer._serialize = _serialize_scalars  # type: ignore[method-assign]

# Most keys are strings, and moto asks for five other types first.
DynamoType.cast_value = property(  # type: ignore[assignment,method-assign]
    lambda self: self.value if self.type == "S" else _cast_value.fget(self)
)
