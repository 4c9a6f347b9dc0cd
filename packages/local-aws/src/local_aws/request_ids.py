"""Ids of requests and traces.

They name things and protect nothing, so they are drawn without a system call.
"""

import base64
import random


def new_request_id() -> str:
    """Return a UUID of version 4."""
    text = hexadecimal(32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def new_extended_request_id() -> str:
    """Return an id in the form of API Gateway's `x-amz-apigw-id`."""
    return base64.urlsafe_b64encode(random.randbytes(11)).decode()  # noqa: S311 - not a secret


def hexadecimal(digits: int) -> str:
    return f"{random.getrandbits(4 * digits):0{digits}x}"
