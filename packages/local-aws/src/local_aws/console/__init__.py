"""The laptop's console: the latest requests of the stack, in a browser, below `/_local/console/`."""
