"""A route that does nothing but one SQL round trip. No real service has one without a session, so the benchmark brings it."""
