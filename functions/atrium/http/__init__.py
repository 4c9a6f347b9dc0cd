"""HTTP: requests from events of API Gateway, responses, and problem details."""
