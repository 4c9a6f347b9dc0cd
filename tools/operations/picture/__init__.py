"""The picture of an environment, drawn from its plan, and the command `make picture`."""
