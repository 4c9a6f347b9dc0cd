"""An environment and a release: what `make up` and the commands of tools/operations share."""
