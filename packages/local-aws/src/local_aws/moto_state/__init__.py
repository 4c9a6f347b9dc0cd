"""The state of moto: what we add to its objects, its parts, and its snapshots."""
