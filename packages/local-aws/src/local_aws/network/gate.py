"""The network check at the AWS endpoint: rejects calls that the function's network cannot route."""

import json
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.sessions import session
from local_aws.network.reachability import caller_of, no_way_to_service

CODE = (
    # not an AWS error code: on AWS the client waits until its connection attempt times out
    "NoRouteFromVpc"
)
_XML = {"ec2", "iam", "rds", "s3", "sns", "sts"}


class NetworkGate:
    """An interceptor that identifies the calling function by its access key."""

    async def check(self, call: AwsCall) -> AwsResponse | None:
        """Return an error answer if the network cannot route the call; else None.

        The operator's calls always pass.
        """
        signer = session(call.access_key) if call.access_key else None
        caller = caller_of(signer) if signer else None
        reason = no_way_to_service(caller, call.service) if caller else None
        return _refused(call, reason) if reason else None


def _refused(call: AwsCall, reason: str) -> AwsResponse:
    """Return the error; its status is 400, so that SDKs do not retry."""
    if call.service in _XML:
        error = (
            f"<Error><Type>Sender</Type><Code>{CODE}</Code>"
            f"<Message>{escape(reason)}</Message></Error>"
        )
        body = error if call.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return AwsResponse(400, body.encode(), {"content-type": "text/xml"})
    content = json.dumps({"__type": CODE, "message": reason, "Message": reason}).encode()
    return AwsResponse(
        400, content, {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": CODE}
    )
