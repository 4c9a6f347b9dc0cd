"""The kernel that every service shares: HTTP, identity, stores and runtime, shipped in the layer."""

import gc

from atrium.runtime import lean_import

# Imports create many objects and no garbage, but the default threshold scans them again and again.
# With this one the collector still runs after some megabytes of new objects.
gc.set_threshold(50_000)

# Only JSON is used, and no JSON Schema is made of a model.
lean_import.load(
    "msgspec",
    *map(lean_import.LazyModule, ("msgspec.inspect", "msgspec._json_schema", "msgspec.msgpack")),
    *map(lean_import.LazyModule, ("msgspec.toml", "msgspec.yaml")),
)
