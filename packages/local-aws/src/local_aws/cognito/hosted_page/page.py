"""The sign-in page: plain HTML that works without JavaScript and fetches nothing."""

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from aiohttp import web

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 12vh auto 0; padding: 0 1rem; color: #1b1b1b; background: #fff; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid #595959; border-radius: .25rem; }
button { font: inherit; margin-top: 1.5rem; padding: .5rem 1.5rem; border: 0; border-radius: .25rem; color: #fff; background: #1f4fa3; }
:focus-visible { outline: 3px solid #b35900; outline-offset: 2px; }
[role=alert] { padding: .5rem .75rem; border-left: 4px solid #a4262c; background: #fdf1f1; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# No form-action: browsers would apply it to the redirect that takes a person back to the app.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Field:
    """`kind` and `autocomplete` are HTML's `type` and `autocomplete`."""

    name: str
    label: str
    kind: str
    autocomplete: str
    value: str = ""


@dataclass(frozen=True)
class Form:
    title: str
    fields: tuple[Field, ...]
    button: str
    action: str
    hidden: dict[str, str]
    error: str = ""


def form(content: Form, status: int = 200) -> web.Response:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in content.hidden.items()
    )
    alert = f'<p role="alert" id="error">{escape(content.error)}</p>' if content.error else ""
    fields = "".join(_field(each, described=bool(content.error)) for each in content.fields)
    body = (
        f'{alert}<form method="post" action="{escape(content.action)}">{hidden}{fields}'
        f"<button>{escape(content.button)}</button></form>"
    )
    return _page(content.title, body, status)


def message(title: str, text: str, status: int) -> web.Response:
    return _page(title, f"<p>{escape(text)}</p>", status)


def _field(field: Field, described: bool) -> str:
    value = f' value="{escape(field.value)}"' if field.value else ""
    error = ' aria-describedby="error"' if described else ""
    numeric = ' inputmode="numeric"' if field.autocomplete == "one-time-code" else ""
    return (
        f'<label for="{escape(field.name)}">{escape(field.label)}</label>'
        f'<input id="{escape(field.name)}" name="{escape(field.name)}" type="{escape(field.kind)}"'
        f' autocomplete="{escape(field.autocomplete)}" required{value}{error}{numeric}>'
    )


def _page(title: str, body: str, status: int) -> web.Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return web.Response(text=html, status=status, content_type="text/html", headers=HEADERS)
