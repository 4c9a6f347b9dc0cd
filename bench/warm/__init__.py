"""Bytecode instructions of a warm request, counted in process. README.md describes the method."""
