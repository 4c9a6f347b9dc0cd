"""The instructions of a cold start, from the process's start to the first response.

README.md describes the method.
"""
