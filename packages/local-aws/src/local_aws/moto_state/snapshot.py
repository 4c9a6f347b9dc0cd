"""Snapshots of moto's whole state in one file, so that a stopped stack can resume later.

moto has no persistence of its own. One pickle holds every backend, because services hold each
other's objects: RDS has EC2's subnets, and Lambda has IAM's roles. A file per service would split
shared objects.

Backend registries are stored by name and never replaced, because modules hold references to them.
"""

import gc
import gzip
import io
import os
import pickle
import sys
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never, cast

import cloudpickle
import moto
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.core.base_backend import AccountSpecificBackend, BackendDict

# Pickled objects fit only this version of moto and Python. Others would load and then fail in
# unexpected places.
VERSION = (
    f"local-aws-3 moto-{moto.__version__} python-{sys.version_info.major}.{sys.version_info.minor}"
)
STACK_BYTES = 512 * 1024 * 1024  # moto's objects form reference chains many thousand deep
RECURSION = 200_000

type Key = tuple[str, str, str]


class SnapshotError(Exception):
    """The error about a snapshot that this moto and Python cannot load, or that was not written."""


def dump(path: Path, extra: Any, shape: str = "") -> None:
    """Write every backend and `extra` to `path`, after loading a trial copy.

    `extra` is plain data of classes whose fields `shape` describes. No request may be in flight: a
    backend that changes during pickling causes an error or an inconsistent state.
    """
    content = _deep(
        lambda: _pickled({"version": f"{VERSION} {shape}", "backends": _backends(), "extra": extra})
    )
    _deep(lambda: Unpickler(io.BytesIO(content)).load())
    half = path.with_suffix(".part")
    try:
        half.touch(mode=0o600)
        with half.open("wb") as file:
            file.write(gzip.compress(content, compresslevel=1))
            file.flush()
            # otherwise a power cut could leave the new name on an empty file
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


@dataclass(frozen=True)
class CopyOfUs:
    """A forked process that writes a snapshot of the moment of the fork.

    This process continues meanwhile.
    """

    pid: int
    _said: int  # the read end of its pipe

    def wait(self) -> None:
        """Block until the copy is done.

        Raises:
            SnapshotError: it failed; the file is still the earlier one.
        """
        with os.fdopen(self._said, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        _, status = os.waitpid(self.pid, 0)
        if status:
            raise SnapshotError(
                said or f"its process ended with status {os.waitstatus_to_exitcode(status)}"
            )


def dump_beside(path: Path, extra: Any, shape: str = "") -> CopyOfUs:
    """Run `dump` in a forked copy of this process, which takes the milliseconds of a fork.

    No request may be in flight meanwhile.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_the_copy(path, extra, shape, writing)
    os.close(writing)
    return CopyOfUs(pid, reading)


def _be_the_copy(path: Path, extra: Any, shape: str, writing: int) -> Never:
    """Run in the copy, where only this thread exists.

    It must not keep the parent's ports and pipes open.
    """
    status = 1
    try:
        gc.disable()  # finalizing inherited sockets would close descriptors that have been reused
        os.nice(10)
        os.dup2(writing, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        dump(path, extra, shape)
        status = 0
    except BaseException as error:
        text = error.strerror if isinstance(error, OSError) else None
        os.write(3, (text or f"{type(error).__name__}: {error}").encode()[:4000])
    finally:
        os._exit(status)


def load(path: Path, shape: str = "") -> Any:
    """Restore every backend and return `extra`.

    Raises:
        SnapshotError: the file is damaged or from another moto, Python or shape. Nothing was
            restored.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        state = _deep(lambda: Unpickler(io.BytesIO(content)).load())
    except Exception as error:
        raise SnapshotError(
            f"{path.name} cannot be read ({type(error).__name__}: {error})"
        ) from error
    if state["version"] != f"{VERSION} {shape}":
        raise SnapshotError(
            f"{path.name} was written by {state['version']}; this is {VERSION} {shape}"
        )
    registries = [(registry_of(key), accounts) for key, accounts in state["backends"].items()]
    for registry, accounts in registries:
        for account, regions in accounts.items():
            for region, backend in regions.items():
                registry[account][region] = backend
    _restore_ec2_references()
    return state["extra"]


def _backends() -> dict[Key, dict[str, dict[str, Any]]]:
    return {
        _key(registry): {account: dict(regions.items()) for account, regions in registry.items()}
        for registry in BackendDict._instances  # type: ignore[misc]
    }


def _key(registry: BackendDict[Any]) -> Key:
    return registry.service_name, registry.backend.__module__, registry.backend.__qualname__


def registry_of(key: Key) -> BackendDict[Any]:
    """Return the registry in the module of its backend class."""
    service, module_name, class_name = key
    __import__(module_name)
    for module in (sys.modules[module_name], *_packages(module_name)):
        for value in vars(module).values():
            if (
                isinstance(value, BackendDict)
                and value.service_name == service
                and value.backend.__qualname__ == class_name
            ):
                return value
    raise SnapshotError(f"moto has no backends for {service} in {module_name}")


def _packages(module_name: str) -> Iterator[Any]:
    while "." in module_name:
        module_name = module_name.rpartition(".")[0]
        if module_name in sys.modules:
            yield sys.modules[module_name]


def _restore_ec2_references() -> None:
    """Restore the class-level weak references by which EC2 finds peers.

    Constructors would set them, but unpickling does not call constructors.
    """
    from moto.ec2.models import ec2_backends
    from moto.ec2.models.transit_gateway_attachments import TransitGatewayAttachmentBackend
    from moto.ec2.models.vpc_peering_connections import VPCPeeringConnectionBackend
    from moto.ec2.models.vpcs import VPCBackend

    for _, _, backend in ec2_backends.iter_backends():
        VPCBackend.vpc_refs[backend.__class__].add(weakref.ref(backend))
        VPCPeeringConnectionBackend.vpc_pcx_refs[backend.__class__].add(weakref.ref(backend))
        TransitGatewayAttachmentBackend.backend_refs[backend.__class__].add(weakref.ref(backend))


def _deep[T](work: Callable[[], T]) -> T:
    """Run `work` in a thread whose stack is deep enough to pickle moto."""
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failure.append(error)

    before, limit = threading.stack_size(STACK_BYTES), sys.getrecursionlimit()
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage, and the search would take a third of the time
    sys.setrecursionlimit(RECURSION)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
        sys.setrecursionlimit(limit)
        if collecting:
            gc.enable()
    if failure:
        raise failure[0]
    return result[0]


def _pickled(state: Any) -> bytes:
    file = io.BytesIO()
    Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(state)
    return file.getvalue()


LOCKS = (type(threading.Lock()), type(threading.RLock()))


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def persistent_id(self, value: Any) -> tuple[str, ...] | None:
        if isinstance(value, BackendDict):
            return ("registry", *_key(value))
        if isinstance(value, AccountSpecificBackend):
            service, owner = value.service_name, cast(Any, value.backend)
            return ("account", service, owner.__module__, owner.__qualname__, value.account_id)
        return None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, LOCKS):
            return type_of_lock(value), ()
        if isinstance(value, weakref.WeakValueDictionary):
            return weakref.WeakValueDictionary, (dict(value),)
        if isinstance(value, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            return _private_key, (_der(value),)
        if isinstance(value, x509.Certificate):
            return x509.load_pem_x509_certificate, (value.public_bytes(serialization.Encoding.PEM),)
        if isinstance(value, dict) and type(value).__module__.startswith("moto."):
            # Their constructors need arguments that are lost; content and attributes are their
            # whole state.
            factory = value.default_factory if isinstance(value, defaultdict) else None
            return (
                _new,
                (type(value), factory),
                vars(value) if hasattr(value, "__dict__") else None,
                None,
                iter(value.items()),
            )
        return super().reducer_override(value)


class Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: tuple[str, ...]) -> Any:
        kind, service, module, name, *account = pid
        registry = registry_of((service, module, name))
        return registry if kind == "registry" else registry[account[0]]


def type_of_lock(value: Any) -> Callable[[], Any]:
    return threading.RLock if isinstance(value, type(threading.RLock())) else threading.Lock


def _new[T](cls: type[T], default_factory: Callable[[], Any] | None = None) -> T:
    """Create an instance without its constructor.

    A defaultdict without its factory would reject every new key.
    """
    made = cls.__new__(cls)
    if default_factory is not None:
        made.default_factory = default_factory  # type: ignore[attr-defined]
    return made


def _der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _private_key(der: bytes) -> Any:
    return serialization.load_der_private_key(der, None)
