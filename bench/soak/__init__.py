"""A stack under load for half an hour: processes, open files and memory must not grow. How and what: README.md beside this file."""
