"""The supervisor's log of requests."""

import asyncio
import io
import re

from local_aws.supervisor import request_log
from local_aws.supervisor.request_log import RequestLog

LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO local: "


def test_lines_are_written_together_in_the_format_of_other_lines() -> None:
    written = io.StringIO()

    async def put_two() -> str:
        log = RequestLog(written)
        log.put("GET /v1/me 200")
        log.put("GET /v1/you 404")
        before = written.getvalue()
        log.flush()
        return before

    assert asyncio.run(put_two()) == ""
    assert re.fullmatch(f"{LINE}GET /v1/me 200\n{LINE}GET /v1/you 404\n", written.getvalue())


def test_lines_are_written_without_a_flush() -> None:
    written = io.StringIO()

    async def put_one() -> None:
        RequestLog(written).put("GET /v1/me 200")
        async with asyncio.timeout(60):
            while not written.getvalue():  # noqa: ASYNC110 - a file cannot be awaited
                await asyncio.sleep(request_log.WRITE_SECONDS)

    asyncio.run(put_one())
