"""The yardstick: what the runtime costs with a handler that does nothing."""
