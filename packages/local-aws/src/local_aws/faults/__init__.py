"""Faults of the services that an application depends on, switched on by hand for a while."""

from local_aws.faults.switch import Dependency, Fault, Faults, Kind

__all__ = ["Dependency", "Fault", "Faults", "Kind"]
