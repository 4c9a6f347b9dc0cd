"""The Runtime API with any HTTP client: requests in pieces, chunked bodies, unknown paths."""

import asyncio
import json

import pytest

from local_aws.lambda_service.runtime_api import ACCEPTED, NOT_FOUND, Answer, RuntimeApi, Send
from local_aws_tests.lambda_service.laptop import Laptop, Loop

HEAD = "POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: x\r\n"


def spoken(
    loop: Loop, *pieces: str, answer: Answer = ACCEPTED
) -> tuple[list[tuple[str, str, bytes]], bytes]:
    """Return the request that the endpoint got, and its answer on the wire."""
    asked: list[tuple[str, str, bytes]] = []

    def respond(method: str, action: str, body: bytes, send: Send) -> None:
        asked.append((method, action, body))
        send(answer)

    async def speak() -> bytes:
        api = RuntimeApi(respond)
        reader, writer = await asyncio.open_connection("127.0.0.1", await api.start())
        for piece in pieces:
            writer.write(piece.encode())
            await writer.drain()
            await asyncio.sleep(0)
        if asked or not pieces[-1].endswith("garbage"):
            head = await reader.readuntil(b"\r\n\r\n")
            answered = head + await reader.readexactly(
                int(head.lower().split(b"content-length: ")[1].split()[0])
            )
        else:
            answered = await reader.read()
        writer.close()
        api.close()
        return answered

    return asked, loop.run(speak())


@pytest.mark.parametrize(
    "pieces",
    [
        (f"{HEAD}Content-Length: 4\r\n\r\nbody",),
        (HEAD, "Content-Length: 4\r\n\r\n", "bo", "dy"),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n", "2\r\nbo\r\n", "2\r\ndy\r\n0\r\n\r\n"),
    ],
)
def test_a_request_may_come_in_pieces_or_chunks(loop: Loop, pieces: tuple[str, ...]) -> None:
    asked, answered = spoken(loop, *pieces)
    assert asked == [("POST", "invocation/1/response", b"body")]
    assert answered.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert answered.endswith(ACCEPTED.body)


def test_line_breaks_in_a_value_create_no_header(loop: Loop) -> None:
    answer = Answer(200, b"{}", {"Lambda-Runtime-Client-Context": '{"a":\r\nX-Evil: "ü"}'})
    _, answered = spoken(loop, f"{HEAD}Content-Length: 0\r\n\r\n", answer=answer)
    assert 'Lambda-Runtime-Client-Context: {"a":  X-Evil: "ü"}\r\n'.encode() in answered


def test_bytes_that_are_not_http_close_the_connection(loop: Loop) -> None:
    assert spoken(loop, "garbage") == ([], b"")


def test_another_path_is_not_found(aws: Laptop) -> None:
    code = (
        "import http.client, os\ndef handler(event, context):\n"
        "  api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
        "  api.request('GET', event)\n  answer = api.getresponse()\n  return [answer.status, answer.read().decode()]"
    )
    aws.deploy("asks-elsewhere", code)
    for path in ("/2018-06-01/runtime/nowhere", "/elsewhere"):
        status, body = aws.invoke("asks-elsewhere", path)[0]
        assert (status, json.loads(body)) == (404, json.loads(NOT_FOUND.body))
