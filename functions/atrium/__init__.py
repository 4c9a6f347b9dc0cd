"""The kernel that every service shares: HTTP, identity, sessions, data access, logs. Shipped in the layer."""

import gc

# Imports make many objects and no garbage, and by default the collector looks through them again and again. It still
# looks, after as many new objects as take some megabytes.
gc.set_threshold(50_000)
