"""The first file of a worker process.

It runs in the base interpreter with `-I -S`, so it imports the standard library only.

Arguments:
1. process id of the supervisor (0 if another program starts this one);
2. egress rules of `egress.py` as JSON (empty: everything is open);
3. file of a movable clock (empty: the machine's clock);
4. the folders of `sys.path` in AWS's order: task root, layers, runtime.
"""

import os
import sys
from typing import Any


def _end_with_supervisor(supervisor: int) -> None:
    """Make the kernel kill this process when the supervisor ends.

    This needs Linux. On other systems the worker ends because the Runtime API closes.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes
    import signal

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if supervisor and os.getppid() != supervisor:  # the supervisor ended before the call above
        os._exit(1)


def _confine(egress: dict[str, Any]) -> None:
    """Enforce the egress rules on Python's sockets by an audit hook, which no code can remove.

    The hook stops mistakes, not malice: native code and child processes bypass it.
    """
    import _socket
    import weakref

    runtime_api = int(os.environ["AWS_LAMBDA_RUNTIME_API"].rpartition(":")[2])
    open_ports = {*egress["open"], runtime_api}
    listening: list[weakref.ref[Any]] = []  # sockets that the function bound

    def is_own(address: object) -> bool:
        port = address[1] if isinstance(address, tuple) else address
        for socket in [found for each in listening if (found := each()) and found.fileno() != -1]:
            own = socket.getsockname()
            if port == (own[1] if isinstance(own, tuple) else own):
                return True
        return False

    def why_not(family: int, address: object) -> str | None:
        if family == getattr(_socket, "AF_UNIX", None):
            local, place, port = True, repr(address), None
        elif family in (_socket.AF_INET, _socket.AF_INET6) and isinstance(address, tuple):
            local, place, port = (
                _is_this_machine(address[0], resolve=True),
                f"{address[0]}:{address[1]}",
                address[1],
            )
        else:
            return None
        if not local:
            internet: str | None = egress["internet"]
            return internet
        if port in open_ports or is_own(address):
            return None
        other = (
            f"{place} is a program of this machine. On AWS nothing listens at that address that "
            f"{egress['function']} has not started itself."
        )
        why: str = egress["closed"].get(str(port), other)
        return why

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if not event.startswith("socket."):
            return
        if event == "socket.bind":
            listening[:] = [each for each in listening if each() is not None] + [
                weakref.ref(given[0])
            ]
        elif (
            event in ("socket.connect", "socket.sendto", "socket.sendmsg") and given[1] is not None
        ):
            if reason := why_not(given[0].family, given[1]):
                raise ConnectionRefusedError(f"NoRouteFromVpc: {reason}")
        elif (
            event in ("socket.getaddrinfo", "socket.gethostbyname")
            and egress["internet"]
            and not _is_this_machine(given[0], resolve=False)
        ):
            raise _socket.gaierror(_socket.EAI_FAIL, f"NoRouteFromVpc: {egress['internet']}")

    sys.addaudithook(hook)


def _is_this_machine(host: str | bytes | None, resolve: bool) -> bool:
    """Return True if `host` is this machine.

    Without `resolve`, the only name of this machine is `localhost`.
    """
    import _socket

    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not name or name == "localhost":
        return True
    try:
        found = _socket.inet_aton(name)  # inet_aton also accepts 127.1 and 0x7f.1
        return found[0] in (0, 127)
    except OSError:
        pass
    try:
        found = _socket.inet_pton(_socket.AF_INET6, name.partition("%")[0])
        mapped = found[:12] == b"\0" * 10 + b"\xff\xff"
        return found[12] in (0, 127) if mapped else found[:15] == b"\0" * 15
    except OSError:
        pass
    try:
        return resolve and any(
            _is_this_machine(str(each[4][0]), resolve=False)
            for each in _socket.getaddrinfo(name, None)
        )
    except _socket.gaierror:
        return False


def _read_clock(file: str) -> None:
    """Read the time of day from the supervisor's clock."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader
    from pathlib import Path

    loader = SourceFileLoader("_stack_clock", str(Path(__file__).parents[1] / "clock.py"))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    module.install(module.Clock(Path(file)))


if __name__ == "__main__":
    _end_with_supervisor(int(sys.argv[1]))
    if sys.argv[2]:
        import json

        _confine(json.loads(sys.argv[2]))
    if sys.argv[3]:
        _read_clock(sys.argv[3])
    sys.path[:0] = sys.argv[4:]
    sys.argv[1:] = [os.environ["_HANDLER"]]
    from awslambdaric.__main__ import main

    main(sys.argv)
