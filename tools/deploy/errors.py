class RefusedError(Exception):
    """An action was refused or rolled back. The message says why and what to do instead."""
