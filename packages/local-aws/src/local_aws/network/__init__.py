"""The applied network, as far as it decides what a function can reach."""

from local_aws.network.gate import NetworkGate

__all__ = ["NetworkGate"]
