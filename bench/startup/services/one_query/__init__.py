"""A route that does nothing but one SQL round trip.

Every real route with SQL also checks a session, so the benchmark needs its own.
"""
