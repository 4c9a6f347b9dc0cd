"""The page of the switch: GET lists the faults, POST starts one, DELETE ends all or one."""

from typing import Any

from aiohttp import web

from local_aws.faults.switch import Dependency, Fault, FaultError, Faults, Kind

PAGE = "/_local/faults"


def routes(faults: Faults) -> list[web.RouteDef]:
    async def show(_: web.Request) -> web.Response:
        return _all(faults)

    async def start(request: web.Request) -> web.Response:
        try:
            faults.start(
                _member(Dependency, "dependency", request),
                _member(Kind, "fault", request),
                _seconds(request),
            )
        except FaultError as error:
            return web.json_response({"error": str(error)}, status=400)
        return _all(faults)

    async def end(request: web.Request) -> web.Response:
        try:
            named = "dependency" in request.query
            for dependency in [_member(Dependency, "dependency", request)] if named else Dependency:
                faults.end(dependency)
        except FaultError as error:
            return web.json_response({"error": str(error)}, status=400)
        return _all(faults)

    return [web.get(PAGE, show), web.post(PAGE, start), web.delete(PAGE, end)]


def _member[T: (Dependency, Kind)](members: type[T], name: str, request: web.Request) -> T:
    given = request.query.get(name, "")
    try:
        return members(given)
    except ValueError:
        raise FaultError(f"{name} is {given!r} but must be one of {', '.join(members)}.") from None


def _seconds(request: web.Request) -> float:
    given = request.query.get("seconds", "20")
    try:
        return float(given)
    except ValueError:
        raise FaultError(f"seconds is {given!r} but must be a number.") from None


def _all(faults: Faults) -> web.Response:
    return web.json_response({"faults": [_as_json(fault) for fault in faults.active()]})


def _as_json(fault: Fault) -> dict[str, Any]:
    return {
        "dependency": fault.dependency,
        "fault": fault.kind,
        "seconds_left": round(fault.seconds_left, 1),
    }
