"""Every request held to AWS's own model of its service, before the service sees it.

botocore ships what AWS publishes: lengths, ranges, patterns, enums and required members. No SDK checks most of them, and moto
does not either, so a value that AWS would refuse passes here and fails at the first deploy.
"""

from local_aws.request_model.gate import RequestModelGate

__all__ = ["RequestModelGate"]
