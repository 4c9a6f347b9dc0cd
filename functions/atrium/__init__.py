"""The kernel that every service shares: HTTP, identity, sessions, data access, logs. Shipped in the layer."""
