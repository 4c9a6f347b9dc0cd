"""A route that does nothing but one SQL flight. No real service has one without a session, so the benchmark brings it."""
