"""The API, stage and path of a request's URL.

`/restapis/<API>/<stage>/_user_request_/<path>` names all three. So does the host
`<API>.execute-api.…` with `/<stage>/<path>`, as on AWS. Any other URL belongs to the first API:
`/<stage>/<path>`, or `/<path>` for its first stage, as on a custom domain.
"""

import re

from local_aws.api_gateway.control import RestApis
from local_aws.api_gateway.deployed_api import DeployedApi

_BY_PATH = re.compile(r"/restapis/(?P<api>[a-z0-9]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?")
_BY_HOST = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.")
_STAGED = re.compile(r"/(?P<stage>[^/]+)(?P<path>/.*)?")


def addressed(apis: RestApis, host: str, path: str) -> tuple[DeployedApi, str] | None:
    """Return the stage and the path within it, percent-encoded as sent.

    None if there is no stage.
    """
    if named := _BY_PATH.fullmatch(path):
        api = apis.deployed(named["api"], named["stage"])
        return (api, named["path"] or "/") if api and api.stage == named["stage"] else None
    by_host, staged = _BY_HOST.match(host), _STAGED.fullmatch(path)
    api = apis.deployed(by_host["api"] if by_host else None, staged["stage"] if staged else None)
    if api is None:
        return None
    if staged and api.stage == staged["stage"]:
        return api, staged["path"] or "/"
    return None if by_host else (api, path)
