"""HTTP: parsing of API Gateway events, dispatch to routes, and responses."""
