"""A stack under load for half an hour: processes, open files and memory must not grow.

README.md describes the method and the bounds.
"""
