"""Reads of the audit trail."""
