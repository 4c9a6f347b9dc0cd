"""Parts of moto's state that are saved separately.

A part is a user, a queue, an object, a function or a whole small service. A snapshot contains
everything and takes a second or more; a part is pickled alone in a millisecond. It refers by name
to what it shares with others (its backend, its pool's groups, another queue).
"""

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.cognitoidp.models import CognitoIdpGroup, cognitoidp_backends
from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.models import s3_backends
from moto.sqs.models import Queue, sqs_backends

from local_aws.moto_state import additions
from local_aws.moto_state.snapshot import Pickler, Unpickler, registry_of
from local_aws.settings import ACCOUNT_ID

PARTITION = "aws"  # S3 is global


@dataclass(frozen=True)
class Part:
    """A part of the state; `kind` is one of `_KINDS`, and `place` identifies the part."""

    kind: str
    place: tuple[str, ...]

    @property
    def name(self) -> str:
        return json.dumps([self.kind, *self.place])

    @classmethod
    def named(cls, name: str) -> "Part":
        kind, *place = json.loads(name)
        return cls(kind, tuple(place))

    def pickled(self) -> bytes | None:
        """Return the part's current state; None if it does not exist.

        moto must not change meanwhile.
        """
        value = _KINDS[self.kind].read(*self.place)
        if value is None:
            return None
        file = io.BytesIO()
        _PartPickler(file, value).dump(value)
        return file.getvalue()

    def put_back(self, content: bytes | None) -> None:
        """Restore the part.

        Raises:
            LookupError: the part's parent does not exist.
        """
        value = _PartUnpickler(io.BytesIO(content)).load() if content is not None else None
        _KINDS[self.kind].write(*self.place, value)


@dataclass(frozen=True)
class _Kind:
    read: Callable[..., Any]
    write: Callable[..., None]


class _PartPickler(Pickler):
    def __init__(self, file: io.BytesIO, root: Any) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._root = root

    def persistent_id(self, value: Any) -> tuple[str, ...] | None:
        if value is self._root:
            return None
        if isinstance(value, BaseBackend):
            owner = type(value)
            return (
                "backend",
                value_service(value),
                owner.__module__,
                owner.__qualname__,
                value.account_id,
                value.region_name,
            )
        if isinstance(value, CognitoIdpGroup):
            return ("group", value.user_pool_id, value.group_name)
        if isinstance(value, Queue):
            return ("queue", value.region, value.name)
        return super().persistent_id(value)


class _PartUnpickler(Unpickler):
    def persistent_load(self, pid: tuple[str, ...]) -> Any:
        match pid:
            case ("backend", service, module, name, account, region):
                return registry_of((service, module, name))[account][region]
            case ("group", pool, name):
                return _pool(pool).groups[name]
            case ("queue", region, name):
                return sqs_backends[ACCOUNT_ID][region].queues[name]
        return super().persistent_load(pid)


def value_service(backend: BaseBackend) -> str:
    """Return the name of the registry that holds the backend."""
    registries: list[BackendDict[Any]] = BackendDict._instances  # type: ignore[misc]
    return next(
        registry.service_name for registry in registries if registry.backend is type(backend)
    )


def _pool(pool_id: str) -> Any:
    for backend in list(cognitoidp_backends[ACCOUNT_ID].values()):
        if pool_id in backend.user_pools:
            return backend.user_pools[pool_id]
    raise LookupError(f"There is no user pool {pool_id}")


def _read_user(pool_id: str, username: str) -> Any:
    return _pool(pool_id).users.get(username)


def _write_user(pool_id: str, username: str, user: Any) -> None:
    pool = _pool(pool_id)
    if (before := pool.users.pop(username, None)) is not None:
        for group in pool.groups.values():
            group.users.discard(before)
    if user is not None:
        pool.users[username] = user
        for group in user.groups:
            group.users.add(user)


def _read_queue(region: str, name: str) -> Any:
    return sqs_backends[ACCOUNT_ID][region].queues.get(name)


def _write_queue(region: str, name: str, queue: Any) -> None:
    queues = sqs_backends[ACCOUNT_ID][region].queues
    if queue is None:
        queues.pop(name, None)
    else:
        queues[name] = queue


def _read_object(bucket: str, key: str) -> Any:
    found = s3_backends[ACCOUNT_ID][PARTITION].buckets.get(bucket)
    return found.keys.getlist(key) if found is not None else None


def _write_object(bucket: str, key: str, versions: Any) -> None:
    keys = s3_backends[ACCOUNT_ID][PARTITION].buckets[bucket].keys
    dict.pop(keys, key, None)
    if versions is not None:
        dict.__setitem__(keys, key, versions)


def _read_uploads(bucket: str) -> Any:
    found = s3_backends[ACCOUNT_ID][PARTITION].buckets.get(bucket)
    return found.multiparts if found is not None else None


def _write_uploads(bucket: str, uploads: Any) -> None:
    s3_backends[ACCOUNT_ID][PARTITION].buckets[bucket].multiparts = uploads


def _read_function(region: str, name: str) -> Any:
    storage = lambda_backends[ACCOUNT_ID][region]._lambdas
    found = storage._functions.get(name)
    return found and {
        "function": found,
        "aliases": storage._aliases.get(_function_arn(region, name)),
    }


def _write_function(region: str, name: str, kept: Any) -> None:
    storage = lambda_backends[ACCOUNT_ID][region]._lambdas
    storage._aliases.pop(_function_arn(region, name), None)
    if kept is None:
        storage._functions.pop(name, None)
        return
    storage._functions[name] = kept["function"]
    if kept["aliases"] is not None:
        storage._aliases[_function_arn(region, name)] = kept["aliases"]
    for each in (kept["function"]["latest"], *kept["function"]["versions"]):
        if each is not None:
            storage._arns[each.function_arn] = each


def _function_arn(region: str, name: str) -> str:
    return f"arn:{PARTITION}:lambda:{region}:{ACCOUNT_ID}:function:{name}"


def _read_additions(region: str, name: str) -> Any:
    return getattr(additions.of_lambda(region), name)


def _write_additions(region: str, name: str, value: Any) -> None:
    setattr(additions.of_lambda(region), name, value)


def _read_service(service: str, module: str, name: str, region: str) -> Any:
    return registry_of((service, module, name))[ACCOUNT_ID].get(region)


def _write_service(service: str, module: str, name: str, region: str, backend: Any) -> None:
    registry_of((service, module, name))[ACCOUNT_ID][region] = backend


_KINDS = {
    "user": _Kind(_read_user, _write_user),
    "queue": _Kind(_read_queue, _write_queue),
    "object": _Kind(_read_object, _write_object),
    "uploads": _Kind(_read_uploads, _write_uploads),
    "function": _Kind(_read_function, _write_function),
    "lambda-additions": _Kind(_read_additions, _write_additions),
    "service": _Kind(_read_service, _write_service),
}
