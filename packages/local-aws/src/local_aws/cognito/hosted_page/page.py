"""The sign-in page: plain HTML without JavaScript or external resources."""

import base64
import hashlib
from dataclasses import dataclass

from aiohttp import web
from jinja2 import Environment, StrictUndefined

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 12vh auto 0; padding: 0 1rem; color: #1b1b1b; background: #fff; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid #595959; border-radius: .25rem; }
button { font: inherit; margin-top: 1.5rem; padding: .5rem 1.5rem; border: 0; border-radius: .25rem; color: #fff; background: #1f4fa3; }
:focus-visible { outline: 3px solid #b35900; outline-offset: 2px; }
[role=alert] { padding: .5rem .75rem; border-left: 4px solid #a4262c; background: #fdf1f1; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# There is no form-action, because browsers would also apply it to the redirect to the app.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Field:
    """A form field; `kind` and `autocomplete` are HTML's `type` and `autocomplete`."""

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


_ENVIRONMENT = Environment(
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_PAGE = _ENVIRONMENT.from_string("""\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{ title }}</title>
  <style>{{ style | safe }}</style>
</head>
<body><main>
  <h1>{{ title }}</h1>
{% if form is none %}
  <p>{{ text }}</p>
{% else %}
  {% if form.error %}
  <p role="alert" id="error">{{ form.error }}</p>
  {% endif %}
  <form method="post" action="{{ form.action }}">
  {% for name, value in form.hidden.items() %}
    <input type="hidden" name="{{ name }}" value="{{ value }}">
  {% endfor %}
  {% for field in form.fields %}
    <label for="{{ field.name }}">{{ field.label }}</label>
    <input id="{{ field.name }}" name="{{ field.name }}" type="{{ field.kind }}" autocomplete="{{ field.autocomplete }}"
      {%- if field.value %} value="{{ field.value }}"{% endif %}
      {%- if field.autocomplete == "one-time-code" %} inputmode="numeric"{% endif %}
      {%- if form.error %} aria-describedby="error"{% endif %} required>
  {% endfor %}
    <button>{{ form.button }}</button>
  </form>
{% endif %}
</main></body>
</html>
""")


def form(content: Form, status: int = 200) -> web.Response:
    return _response(status, title=content.title, form=content)


def message(title: str, text: str, status: int) -> web.Response:
    return _response(status, title=title, form=None, text=text)


def _response(status: int, **variables: object) -> web.Response:
    html = _PAGE.render(style=STYLE, **variables)
    return web.Response(text=html, status=status, content_type="text/html", headers=HEADERS)
