"""Requests a second of the laptop's API Gateway, beside serverless-offline and a bare server.

Method: README.md beside this file.
"""
