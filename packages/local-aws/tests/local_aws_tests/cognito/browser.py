"""A minimal browser for the sign-in page: cookies, links followed one by one, and forms."""

import http.client
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from local_aws.settings import LOOPBACK


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def location(self) -> str:
        assert self.status == 302, self.text
        return self.headers["location"]

    @property
    def told(self) -> dict[str, str]:
        """Return the query of the app's callback."""
        return dict(parse_qsl(urlsplit(self.location).query, strict_parsing=True))

    @property
    def form(self) -> "FormReader":
        reader = FormReader()
        reader.feed(self.text)
        return reader


class FormReader(HTMLParser):
    """A parser of the page's only form."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.visible: list[str] = []
        self.labels: set[str] = set()
        self.alert = ""
        self._in_alert = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.action = given["action"]
        if tag == "label":
            self.labels.add(given["for"])
        if tag == "input":
            self.values[given["name"]] = given.get("value", "")
            if given["type"] != "hidden":
                self.visible.append(given["name"])
                assert given["id"] in self.labels
        self._in_alert = given.get("role") == "alert"

    def handle_data(self, data: str) -> None:
        if self._in_alert:
            self.alert += data

    def handle_endtag(self, tag: str) -> None:
        self._in_alert = False


@dataclass
class Browser:
    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> Page:
        return self._send("GET", address)

    def post(self, address: str, values: dict[str, str]) -> Page:
        return self._send("POST", address, urlencode(values))

    def fill(self, page: Page, **values: str) -> Page:
        """Fill and send the page's form."""
        form = page.form
        assert set(values) == set(form.visible)
        return self.post(form.action, form.values | values)

    def _send(self, method: str, address: str, body: str | None = None) -> Page:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, address, body, headers)
        answer = connection.getresponse()
        page = Page(
            answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        )
        for each in answer.headers.get_all("Set-Cookie") or []:
            self._keep(each)
        connection.close()
        return page

    def _keep(self, header: str) -> None:
        for name, cookie in SimpleCookie(header).items():
            assert cookie["httponly"] or cookie["max-age"] == "0"
            if cookie["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                assert cookie["samesite"] == "Lax"
                self.cookies[name] = cookie.value
