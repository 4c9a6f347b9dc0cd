"""The service for the API's health and contract."""
