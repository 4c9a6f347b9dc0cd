"""HTTP: from API Gateway's event to a route's answer."""
