"""Compression of responses for clients that accept it, from the size that the API sets."""

import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest

from local_aws.api_gateway.body import COMPRESSION
from local_aws_tests.api_gateway.gateway import Answer, Gateway, body

LARGE = "x" * 1000


@pytest.fixture
def compressing(gateway: Gateway) -> Iterator[Gateway]:
    gateway.deploy(body() | {COMPRESSION: 1000})
    yield gateway
    gateway.deploy(body())


def ask(gateway: Gateway, accept: str | None, text: str = LARGE, **headers: str) -> Answer:
    told = {"statusCode": 200, "body": text, "headers": headers}
    accepted = [] if accept is None else [("Accept-Encoding", accept)]
    return gateway.call("POST", "/v1/things", told, accepted)


@pytest.mark.parametrize(
    ("accept", "coding", "decoded"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("br, GZIP;q=0.8, deflate", "deflate", zlib.decompress),
        ("gzip, deflate, br, zstd", "gzip", gzip.decompress),
        ("deflate;q=0, gzip;q=0.1", "gzip", gzip.decompress),
    ],
)
def test_a_response_has_the_encoding_that_the_client_prefers(
    compressing: Gateway, accept: str, coding: str, decoded: Callable[[bytes], bytes]
) -> None:
    answer = ask(compressing, accept)
    assert answer.headers["Content-Encoding"] == coding
    assert int(answer.headers["Content-Length"]) == len(answer.body) < 100
    assert decoded(answer.body) == LARGE.encode()


@pytest.mark.parametrize("accept", [None, "*", "", "br", "identity, gzip", "gzip;q=0", "gzip;q=x"])
def test_other_clients_get_an_uncompressed_response(
    compressing: Gateway, accept: str | None
) -> None:
    answer = ask(compressing, accept)
    assert (answer.headers["Content-Encoding"], answer.body) == (None, LARGE.encode())


def test_small_and_encoded_responses_are_not_compressed(compressing: Gateway) -> None:
    assert ask(compressing, "gzip", LARGE[1:]).headers["Content-Encoding"] is None
    own = ask(compressing, "gzip", **{"content-encoding": "mine"})
    assert (own.headers["Content-Encoding"], own.body) == ("mine", LARGE.encode())


def test_an_import_sets_the_size_and_one_without_it_clears_it(gateway: Gateway) -> None:
    client, api = gateway.aws.client("apigateway"), gateway.api_id
    gateway.deploy(body() | {COMPRESSION: 0})
    assert client.get_rest_api(restApiId=api)["minimumCompressionSize"] == 0
    gateway.deploy(body())
    assert "minimumCompressionSize" not in client.get_rest_api(restApiId=api)
    assert ask(gateway, "gzip").headers["Content-Encoding"] is None


def test_a_changed_size_takes_effect_with_the_next_deployment(gateway: Gateway) -> None:
    client, api = gateway.aws.client("apigateway"), gateway.api_id
    change = [{"op": "replace", "path": "/minimumCompressionSize", "value": "10"}]
    client.update_rest_api(restApiId=api, patchOperations=change)
    assert ask(gateway, "gzip").headers["Content-Encoding"] is None
    move = [
        {
            "op": "replace",
            "path": "/deploymentId",
            "value": client.create_deployment(restApiId=api)["id"],
        }
    ]
    client.update_stage(restApiId=api, stageName="dev", patchOperations=move)
    assert ask(gateway, "gzip").headers["Content-Encoding"] == "gzip"
    gateway.deploy(body())
