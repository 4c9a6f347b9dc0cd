"""The stages of `make test` and `make check`."""
