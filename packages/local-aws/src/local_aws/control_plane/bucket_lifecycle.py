"""The number of old versions that a bucket's lifecycle keeps, which moto loses.

Importing this module patches moto. Terraform's provider waits for minutes until it reads what it
has written.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html
"""

from typing import Any

from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

_EXPIRATION, _KEPT = "NoncurrentVersionExpiration", "NewerNoncurrentVersions"
_ATTRIBUTE = "local_aws_kept_versions"  # of moto's rule, so that a snapshot stores it

_set_lifecycle: Any = FakeBucket.set_lifecycle
_get_bucket_lifecycle: Any = S3Response.get_bucket_lifecycle


def _set(bucket: Any, rules: list[dict[str, Any]]) -> None:
    _set_lifecycle(bucket, rules)
    for made, given in zip(bucket.rules, rules, strict=True):
        setattr(made, _ATTRIBUTE, (given.get(_EXPIRATION) or {}).get(_KEPT))


def _get(response: Any) -> Any:
    serialized = response.serialized

    def with_kept_versions(answer: Any) -> Any:
        if isinstance(answer.result, dict):  # otherwise moto's error
            rules = response.backend.get_bucket_lifecycle(response.bucket_name)
            for told, rule in zip(answer.result["Rules"], rules, strict=True):
                if kept := getattr(rule, _ATTRIBUTE, None):
                    told[_EXPIRATION][_KEPT] = kept
        return serialized(answer)

    response.serialized = with_kept_versions
    return _get_bucket_lifecycle(response)


FakeBucket.set_lifecycle = _set  # type: ignore[method-assign, assignment]
S3Response.get_bucket_lifecycle = _get  # type: ignore[method-assign, assignment]
