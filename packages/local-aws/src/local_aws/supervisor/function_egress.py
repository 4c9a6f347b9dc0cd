"""Egress rules of functions' own sockets, from the network that is applied now.

The targets are AWS's endpoint, X-Ray's daemon, the DB proxy and the internet.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from local_aws.database.registered import RegisteredProxy, registered_proxies
from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.egress import Egress, EgressOf
from local_aws.network.reachability import caller, no_way_to_internet, no_way_to_proxy
from local_aws.settings import Settings


def egress_of(
    settings: Settings,
    proxy_port: int,
    xray_daemon: str,
    proxies: Callable[[], Sequence[RegisteredProxy]] = registered_proxies,
) -> EgressOf:
    """Return a function that builds the egress rules of a deployed function.

    AWS calls always pass here: the endpoint decides by their signature. The API counts as an
    address of the internet, as on AWS.
    """
    always = (settings.aws_port, urlsplit(f"//{xray_daemon}").port or 0)

    def rules(function: DeployedFunction) -> Egress:
        who = caller(function)
        places = [each.place for each in proxies() if each.place]
        behind = {
            proxy_port: next((no_way_to_proxy(who, place) for place in places), None),
            settings.api_port: (internet := no_way_to_internet(who)),
        }
        closed = {port: reason for port, reason in behind.items() if reason}
        return Egress(function.name, (*always, *(behind.keys() - closed.keys())), closed, internet)

    return rules
