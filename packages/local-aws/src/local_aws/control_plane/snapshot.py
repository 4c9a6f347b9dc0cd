"""moto's whole state in one file, so that a stack stopped today goes on tomorrow.

moto has no persistence of its own. One pickle holds every backend, because services hold each other's objects (RDS has EC2's subnets, Lambda has
IAM's roles) and a file per service would split what is shared. Backend registries are stored by name and never replaced: modules hold them.
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

# Pickled objects are those of exactly this moto on this Python; others' would load and then fail in odd places.
VERSION = (
    f"atrium-1 moto-{moto.__version__} python-{sys.version_info.major}.{sys.version_info.minor}"
)
STACK_BYTES = 512 * 1024 * 1024  # moto's objects refer to each other many thousand deep
RECURSION = 200_000

type Key = tuple[str, str, str]


class SnapshotError(Exception):
    """The file is not one that this moto and Python can load, or could not be written; it says why."""


def dump(path: Path, extra: Any, shape: str = "") -> None:
    """Writes every backend and `extra` (plain data of classes whose fields `shape` tells) to `path`, after loading a trial copy.

    No request may be in flight: a backend that changes while it is pickled gives half a state or an error.
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
            os.fsync(file.fileno())  # or a power cut could leave the new name on an empty file
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


@dataclass(frozen=True)
class CopyOfUs:
    """A forked process that writes a snapshot of the moment of its birth, while we go on."""

    pid: int
    _said: int  # the reading end of its pipe

    def wait(self) -> None:
        """Blocks until it is done.

        Raises:
            SnapshotError: it failed; the file is the earlier one.
        """
        with os.fdopen(self._said, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        _, status = os.waitpid(self.pid, 0)
        if status:
            raise SnapshotError(
                said or f"its process ended with status {os.waitstatus_to_exitcode(status)}"
            )


def dump_beside(path: Path, extra: Any, shape: str = "") -> CopyOfUs:
    """`dump` by a copy of this process: takes the milliseconds of a fork. No request may be in flight meanwhile."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_the_copy(path, extra, shape, writing)
    os.close(writing)
    return CopyOfUs(pid, reading)


def _be_the_copy(path: Path, extra: Any, shape: str, writing: int) -> Never:
    """Only this thread exists here. Ports and pipes of ours must not stay open because of it."""
    status = 1
    try:
        gc.disable()  # sockets of ours that it finds would close descriptors that are now others
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
    """Puts every backend back and returns `extra`.

    Raises:
        SnapshotError: the file is damaged or was written by another moto, Python or shape. Nothing was put back.
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
            f"{path.name} was written by {state['version']}, this is {VERSION} {shape}"
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
    """The registry that the module of its backend class holds."""
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
    """EC2 finds peers through class-level weak references that its constructors fill."""
    from moto.ec2.models import ec2_backends
    from moto.ec2.models.transit_gateway_attachments import TransitGatewayAttachmentBackend
    from moto.ec2.models.vpc_peering_connections import VPCPeeringConnectionBackend
    from moto.ec2.models.vpcs import VPCBackend

    for _, _, backend in ec2_backends.iter_backends():
        VPCBackend.vpc_refs[backend.__class__].add(weakref.ref(backend))
        VPCPeeringConnectionBackend.vpc_pcx_refs[backend.__class__].add(weakref.ref(backend))
        TransitGatewayAttachmentBackend.backend_refs[backend.__class__].add(weakref.ref(backend))


def _deep[T](work: Callable[[], T]) -> T:
    """Runs `work` in a thread whose stack holds the recursion that pickling moto needs."""
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failure.append(error)

    before, limit = threading.stack_size(STACK_BYTES), sys.getrecursionlimit()
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage, and looking for it takes a third of the time
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
            # Their constructors want arguments that are gone; their content and attributes are all they are.
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
    """Make an instance without its constructor. A defaultdict that lost its factory would refuse every new key."""
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
