"""The IAM actions and resources of an S3 call.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from local_aws.aws_call import AwsCall
from local_aws.iam.access import Access
from local_aws.iam.context import UNKNOWN

# Sub-resources in the query, and the end of the action's name: `?tagging` is GetObjectTagging.
_OF_OBJECTS = {
    "tagging": "ObjectTagging",
    "acl": "ObjectAcl",
    "retention": "ObjectRetention",
    "legal-hold": "ObjectLegalHold",
    "attributes": "ObjectAttributes",
}
_OF_BUCKETS = {
    "policy": "BucketPolicy",
    "versioning": "BucketVersioning",
    "location": "BucketLocation",
    "acl": "BucketAcl",
    "tagging": "BucketTagging",
    "cors": "BucketCORS",
    "website": "BucketWebsite",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "lifecycle": "LifecycleConfiguration",
    "encryption": "EncryptionConfiguration",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "ownershipControls": "BucketOwnershipControls",
    "object-lock": "BucketObjectLockConfiguration",
    "replication": "ReplicationConfiguration",
}
_VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}


def accesses(call: AwsCall) -> list[Access]:
    bucket, _, key = unquote(call.path.lstrip("/")).partition("/")
    query = dict(parse_qsl(call.query, keep_blank_values=True))
    if not bucket:
        return [Access("s3:ListAllMyBuckets")]
    if not key:
        return [_of_bucket(call, f"arn:aws:s3:::{bucket}", query)]
    resource = f"arn:aws:s3:::{bucket}/{key}"
    found = [Access(f"s3:{_object_action(call.method, query)}", resource, _keys(call, query))]
    if source := unquote(call.headers.get("x-amz-copy-source", "")).lstrip("/"):
        found.append(Access("s3:GetObject", f"arn:aws:s3:::{source.partition('?')[0]}"))
    return found


def _object_action(method: str, query: Mapping[str, str]) -> str:
    part = next((name for each, name in _OF_OBJECTS.items() if each in query), None)
    version = "Version" if "versionId" in query else ""
    if part:
        return _VERBS[method] + part.replace("Object", f"Object{version}")
    if "uploadId" in query and method == "DELETE":
        return "AbortMultipartUpload"
    if "uploadId" in query and method == "GET":
        return "ListMultipartUploadParts"
    if "restore" in query:
        return "RestoreObject"
    return f"{_VERBS[method]}Object{version if method != 'PUT' else ''}"


def _of_bucket(call: AwsCall, bucket: str, query: Mapping[str, str]) -> Access:
    part = next((name for each, name in _OF_BUCKETS.items() if each in query), None)
    if "uploads" in query:
        return Access("s3:ListBucketMultipartUploads", bucket)
    if (
        "delete" in query
    ):  # S3 checks each key of the body; here one decision covers all objects of the bucket
        return Access("s3:DeleteObject", f"{bucket}/*")
    if part:
        # Deleting a configuration needs the permission to put it, except for a policy.
        deletes = call.method == "DELETE" and part not in ("BucketPolicy", "BucketWebsite")
        return Access(f"s3:{'Put' if deletes else _VERBS[call.method]}{part}", bucket)
    if call.method in ("GET", "HEAD"):
        name = "ListBucketVersions" if "versions" in query else "ListBucket"
        keys = {f"s3:{each}": query[each] for each in ("prefix", "delimiter") if each in query}
        return Access(f"s3:{name}", bucket, keys)
    return Access("s3:CreateBucket" if call.method == "PUT" else "s3:DeleteBucket", bucket)


def _keys(call: AwsCall, query: Mapping[str, str]) -> dict[str, str | list[str] | None]:
    found: dict[str, str | list[str] | None] = {"s3:ExistingObjectTag/*": UNKNOWN}
    found |= {
        f"s3:{name}": value
        for name, value in call.headers.items()
        if name.startswith("x-amz-") and name not in ("x-amz-security-token", "x-amz-date")
    }
    if "versionId" in query:
        found["s3:VersionId"] = query["versionId"]
    return found
