"""The supervisor: the process that runs the services, and its start and persistence."""
