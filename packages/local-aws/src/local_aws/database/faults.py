"""The faults of the proxy and of Postgres behind it, as the proxy's clients meet them."""

from local_aws.database.refusal import ProxyRefusalError
from local_aws.faults.switch import DELAY_SECONDS, Dependency, Fault, Faults, Kind, wait

# RDS Proxy's and Postgres's own messages
_REFUSALS = {
    (Dependency.PROXY, Kind.THROTTLE): (
        "08006",
        "Timed-out waiting to acquire database connection",
    ),
    (Dependency.PROXY, Kind.ERROR): (
        "08006",
        "This RDS Proxy currently has no available target instance.",
    ),
    (Dependency.PROXY, Kind.SKEW): (
        "28P01",
        "The IAM authentication failed for the role. Check the IAM token for this role and try again.",
    ),
    (Dependency.POSTGRES, Kind.THROTTLE): ("53300", "sorry, too many clients already"),
    (Dependency.POSTGRES, Kind.ERROR): ("57P03", "the database system is starting up"),
}
_ENDS_CONNECTIONS = {Kind.KILL, Kind.THROTTLE, Kind.ERROR}


async def meet(faults: Faults, dependency: Dependency) -> None:
    """Let a login meet the dependency's fault.

    Raises:
        EOFError: the connection ends without a message.
        ProxyRefusalError: the login is refused.
    """
    if (fault := faults.of(dependency)) is None:
        return
    match fault.kind:
        case Kind.KILL:
            raise EOFError(f"the fault kill of {dependency}")
        case Kind.HANG:
            await fault.ended.wait()
        case Kind.DELAY:
            await wait(fault, DELAY_SECONDS)
        case kind:
            code, message = _REFUSALS[dependency, kind]
            raise ProxyRefusalError(code, message, f"The fault {kind} of {dependency} is on.")


def ends_connections(fault: Fault) -> bool:
    """Return True if the fault's start ends the connections that are open."""
    return (
        fault.dependency in (Dependency.PROXY, Dependency.POSTGRES)
        and fault.kind in _ENDS_CONNECTIONS
    )


def holds(faults: Faults, dependency: Dependency) -> float:
    """Return for how many seconds data must wait, 0 if it may pass."""
    fault = faults.of(dependency)
    if fault is None:
        return 0.0
    return {Kind.HANG: fault.seconds_left, Kind.DELAY: DELAY_SECONDS}.get(fault.kind, 0.0)
