"""The panel of the map: the applied parts of the stack, with the traffic between them."""

import asyncio

from aiohttp import web

from local_aws.api_gateway import RestApis
from local_aws.console import answers
from local_aws.console.answers import own_page
from local_aws.console.applied import drawn
from local_aws.console.traffic import Traffic


class Map:
    def __init__(self, apis: RestApis, traffic: Traffic) -> None:
        self._apis, self._traffic = apis, traffic

    def routes(self, path: str) -> list[web.RouteDef]:
        return [
            web.get(f"{path}/map", own_page(self._map)),
            web.get(f"{path}/traffic", own_page(self._counts)),
        ]

    async def _map(self, _: web.Request) -> web.Response:
        return answers.json(await asyncio.to_thread(drawn, self._apis))

    async def _counts(self, _: web.Request) -> web.Response:
        return answers.json({"traffic": self._traffic.rows()})
