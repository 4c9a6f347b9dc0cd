"""The function's own life: configuration, time, logs and traces."""
