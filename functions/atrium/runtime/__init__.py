"""The runtime of a function: configuration, time, logs and traces."""
