"""The network that was applied, as far as it decides what a function can reach."""

from local.network.gate import NetworkGate

__all__ = ["NetworkGate"]
