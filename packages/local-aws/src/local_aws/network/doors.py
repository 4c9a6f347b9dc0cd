"""The doors of a function's own sockets, from the network that is applied now: AWS's endpoint, X-Ray's daemon, the DB proxy, the world."""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from local_aws.database.registered import RegisteredProxy, registered_proxies
from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.doors import Doors, DoorsOf
from local_aws.network.reachability import caller, no_way_to_internet, no_way_to_proxy
from local_aws.settings import Settings


def doors_of(
    settings: Settings,
    proxy_port: int,
    xray_daemon: str,
    proxies: Callable[[], Sequence[RegisteredProxy]] = registered_proxies,
) -> DoorsOf:
    """Calls of AWS are let through here: who signs them decides at the endpoint. The API is on AWS an address of the internet."""
    always = (settings.aws_port, urlsplit(f"//{xray_daemon}").port or 0)

    def doors(function: DeployedFunction) -> Doors:
        who = caller(function)
        places = [each.place for each in proxies() if each.place]
        behind = {
            proxy_port: next((no_way_to_proxy(who, place) for place in places), None),
            settings.api_port: (world := no_way_to_internet(who)),
        }
        closed = {port: reason for port, reason in behind.items() if reason}
        return Doors(function.name, (*always, *(behind.keys() - closed.keys())), closed, world)

    return doors
