"""The commands behind `make up`, `down`, `reset`, `status`, `logs` and `env`."""
