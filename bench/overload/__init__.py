"""Five times more requests than a stack can serve, for a minute.

Method and bounds: README.md beside this file.
"""
