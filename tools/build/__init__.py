"""The builder of `build/` from `functions/`, `migrations/` and `requirements/`."""
