"""The AWS endpoint's first gate: a call that the function's network does not let through never meets its service."""

import json
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.sessions import session
from local_aws.network.reachability import caller_of, no_way_to_service

CODE = (
    "NoRouteFromVpc"  # not one of AWS's: there the client waits for a connection that never comes
)
_XML = {"ec2", "iam", "rds", "s3", "sns", "sts"}


class NetworkGate:
    """Knows a function by what signs its calls."""

    async def check(self, call: AwsCall) -> AwsResponse | None:
        """A refusal, or None to let it pass: the operator's calls and what the applied network carries."""
        signer = session(call.access_key) if call.access_key else None
        caller = caller_of(signer) if signer else None
        reason = no_way_to_service(caller, call.service) if caller else None
        return _refused(call, reason) if reason else None


def _refused(call: AwsCall, reason: str) -> AwsResponse:
    """400, so that no SDK tries again."""
    if call.service in _XML:
        error = f"<Error><Type>Sender</Type><Code>{CODE}</Code><Message>{escape(reason)}</Message></Error>"
        body = error if call.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return AwsResponse(400, body.encode(), {"content-type": "text/xml"})
    content = json.dumps({"__type": CODE, "message": reason, "Message": reason}).encode()
    return AwsResponse(
        400, content, {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": CODE}
    )
