"""Process start to the first response on the Runtime API, in instructions. How and what: README.md beside this file."""
