"""A folder of static pages beside the deployed API."""

import pytest

from local_aws_tests.api_gateway.gateway import Gateway


@pytest.fixture
def pages(gateway: Gateway) -> Gateway:
    gateway.pages.mkdir(exist_ok=True)
    (gateway.pages / "index.html").write_text("<p>Grüße</p>")
    (gateway.pages.parent / "secret.txt").write_text("not a page")
    return gateway


def test_a_missing_folder_is_reported_with_the_remedy(gateway: Gateway) -> None:
    answer = gateway.call("GET", "/docs/")
    assert (answer.status, answer.body) == (404, b"Build the pages first.")


def test_the_folder_is_served_below_its_path(pages: Gateway) -> None:
    answer = pages.call("GET", "/docs/")
    assert (answer.status, answer.body.decode()) == (200, "<p>Grüße</p>")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    for directive in ("default-src 'self'", "base-uri 'none'", "form-action 'self'"):
        assert directive in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    bare = pages.call("GET", "/docs")
    assert (bare.status, bare.headers["Location"]) == (308, "/docs/")


@pytest.mark.parametrize(
    "path", ["/docs/../secret.txt", "/docs/%2e%2e/secret.txt", "/docs/..%2fsecret.txt"]
)
def test_nothing_outside_the_folder_is_served(pages: Gateway, path: str) -> None:
    assert b"not a page" not in pages.call("GET", path).body


@pytest.mark.parametrize("name", ["no-such-page", "a%00b", "x" * 5000, "%80"])
def test_a_path_that_names_no_file_is_not_found(pages: Gateway, name: str) -> None:
    assert pages.call("GET", f"/docs/{name}").status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/docsother"), ("POST", "/docs/"), ("GET", "/v1/docs")]
)
def test_other_requests_reach_the_api(pages: Gateway, method: str, path: str) -> None:
    answer = pages.call(method, path)
    assert "x-amzn-RequestId" in answer.headers
