"""Validation of every request against AWS's own model of its service, before the service sees it.

botocore ships the constraints that AWS publishes: lengths, ranges, patterns, enums and required
members. Most SDKs and moto do not check them, so an invalid value would pass here and fail at the
first deploy.
"""

from local_aws.request_model.gate import RequestModelGate

__all__ = ["RequestModelGate"]
