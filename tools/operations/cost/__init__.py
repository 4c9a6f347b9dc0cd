"""The price of an environment's plan, and the command `make cost`."""
