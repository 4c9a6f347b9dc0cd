"""The certificate authorities behind RDS Proxy and AWS's endpoints: Amazon's five, not all that a system trusts.

OpenSSL takes longer to parse a system's 120 to 140 than Python takes to start, once for each TLS client. Sources:
https://repost.aws/knowledge-center/rds-aurora-mysql-connect-proxy and https://www.amazontrust.com/repository/
"""

import os
from pathlib import Path

_AMAZON = Path(__file__).with_name("amazon_trust_services.pem")


def bundle(*overrides: str) -> str | None:
    """A PEM file of authorities, or None for the TLS client's own choice.

    That is when one of the environment variables `overrides`, which it obeys, is set, and in China, where AWS's
    endpoints have certificates of other authorities.
    """
    if any(map(os.environ.get, overrides)) or os.environ.get("AWS_REGION", "").startswith("cn-"):
        return None
    return str(_AMAZON)
