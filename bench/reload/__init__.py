"""How long `make build` takes when nothing, or little, has changed. How and what: README.md beside this file."""
