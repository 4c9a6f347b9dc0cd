"""The laptop's console: what the stack has just done, in a browser, below `/_local/console/`."""
