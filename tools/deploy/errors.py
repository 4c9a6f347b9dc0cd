class RefusedError(Exception):
    """Why something was not done or was taken back, and what to do instead."""
