"""The stack on this machine: `make up`, `make dev` and the client that tests use."""
