"""The supervisor: the process that runs the services, its persistence, and how it is started and found."""
