"""Makes somebody an administrator, without one."""
