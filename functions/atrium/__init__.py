"""The kernel that every service shares: HTTP, identity, stores and runtime, shipped in the layer."""

import gc

# Imports create many objects and no garbage, but the default threshold scans them again and again.
# With this one the collector still runs after some megabytes of new objects.
gc.set_threshold(50_000)
