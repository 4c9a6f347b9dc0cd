"""Makes `build/` out of `functions/`, `migrations/` and `requirements/`: `python -m tools.build`."""
