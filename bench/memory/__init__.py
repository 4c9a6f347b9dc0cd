"""Memory of each function: peak, setting, and the setting with the least cost. README.md says how."""
