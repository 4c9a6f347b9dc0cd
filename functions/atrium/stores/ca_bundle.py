"""The CA bundle for RDS Proxy and AWS endpoints: Amazon's five authorities.

OpenSSL takes longer to parse a system's 120 to 140 authorities than Python takes to start, once per
TLS client. Sources: https://repost.aws/knowledge-center/rds-aurora-mysql-connect-proxy and
https://www.amazontrust.com/repository/
"""

import os

# Not with pathlib, which takes a tenth of a bare cold start to load.
_AMAZON = os.path.join(os.path.dirname(__file__), "amazon_trust_services.pem")  # noqa: PTH118, PTH120


def bundle(*overrides: str) -> str | None:
    """Return the path of a PEM file, or None for the TLS client's own choice.

    It is None if one of the environment variables `overrides` is set. In China, AWS's endpoints use
    other authorities, so it is the system's bundle: botocore's own, in the layer `sdk`, is Amazon's.
    """
    if any(map(os.environ.get, overrides)):
        return None
    if os.environ.get("AWS_REGION", "").startswith("cn-"):
        import ssl

        return ssl.get_default_verify_paths().cafile
    return _AMAZON
