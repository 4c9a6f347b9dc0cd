"""JSON bodies through a route that decodes one: refusals, their status, and the position of the
error.
"""

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import strategies as st

from atrium.http import json_body, json_values, response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Email, Locale, PersonName
from local_aws_tests.support.generated import given
from tests.unit.events import Context, answer, api_event
from tests.unit.service import service
from tools.laptop.answer import Answer


class Line(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1)]
    note: str | None = None


class Order(msgspec.Struct, forbid_unknown_fields=True):
    name: PersonName
    lines: Annotated[list[Line], msgspec.Meta(max_length=500)] = []
    by_key: dict[str, Line] = {}
    language: Locale | None = None
    email: Email | None = None
    number: int = 0
    remark: str = ""
    anything: Any = None


def create(request: Request) -> Response:
    return response.json(request.decode(Order, read_only=("id",)))


handler = service({"POST /v1/orders": create})


def send(body: object, content_type: str | None = "application/json") -> Answer:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {"content-type": content_type} if content_type else {}
    return answer(handler(api_event("POST /v1/orders", text, headers), Context()))


def pointers(refused: Answer) -> list[str]:
    assert refused.status == 422, refused.text
    assert refused.json["code"] == "validation_failed"
    return sorted(error["pointer"] for error in refused.json["errors"])


def test_a_valid_body_is_decoded_into_the_model() -> None:
    sent = {"name": "  Zoe\u0308 ", "lines": [{"count": 2}], "language": "pt-BR"}
    assert send(sent).json == {
        "name": "Zoë",
        "lines": [{"count": 2, "note": None}],
        "by_key": {},
        "language": "pt-BR",
        "email": None,
        "number": 0,
        "remark": "",
        "anything": None,
    }


def test_every_invalid_field_is_named_at_once() -> None:
    sent = {
        "name": 7,
        "lines": [{"count": 1}, {"count": 0, "extra": 1}, {}, "x"],
        "by_key": {"a/b~c": {"count": "1"}},
        "language": "not a tag",
        "id": "1",
        "nmae": "typo",
    }
    assert pointers(send(sent)) == [
        "#/by_key/a~1b~0c/count",
        "#/id",
        "#/language",
        "#/lines/1/count",
        "#/lines/1/extra",
        "#/lines/2/count",
        "#/lines/3",
        "#/name",
        "#/nmae",
    ]


def test_unknown_fields_are_reported_in_the_order_of_the_request() -> None:
    names = [f"field_{number * 7 % 20}" for number in range(20)]
    refused = send({"name": "a"} | dict.fromkeys(names, 1))
    assert [error["pointer"] for error in refused.json["errors"]] == [f"#/{name}" for name in names]


def test_errors_name_the_expected_value() -> None:
    details = {
        error["pointer"]: error["detail"]
        for error in send({"id": 1, "nmae": 1, "lines": {}}).json["errors"]
    }
    assert details == {
        "#/name": "This field is required",
        "#/id": "This field is read-only",
        "#/nmae": "This field is unknown",
        "#/lines": "Expected `array`, got `object`",
    }


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 101,
        "a\x00b",
        "a\nb",
        "a\u2028b",
        "a\u202eb",
        "a\x7fb",
        "\u200b",
        "\u200d \u2800",
    ],
)
def test_a_name_is_one_printable_line_of_bounded_length(name: str) -> None:
    assert pointers(send({"name": name})) == ["#/name"]


@pytest.mark.parametrize("name", ["x" * 100, "O\u2019Brien-Ñandú", "می‌خواهم", "李小龍", "👩‍💻"])
def test_names_of_all_scripts_are_accepted(name: str) -> None:
    assert send({"name": name}).json["name"] == name


def test_length_is_counted_after_normalisation() -> None:
    assert send({"name": "e\u0301" * 100}).json["name"] == "é" * 100


@pytest.mark.parametrize("tag", ["e", "en_US", "en-", "en US", "1n", "en-toolongsub", "x" * 36])
def test_a_locale_has_the_form_of_a_language_tag(tag: str) -> None:
    assert pointers(send({"name": "a", "language": tag})) == ["#/language"]


@pytest.mark.parametrize(
    "body",
    ["{", "{}x", "nope", '{"name":"\\ud800"}', "\ufeff{}", "NaN", "[1e999]", '{"name":"a\nb"}'],
)
def test_a_body_that_is_not_json_is_400(body: str) -> None:
    refused = send(body)
    assert (refused.status, refused.json["code"]) == (400, "body_malformed")


def test_bytes_that_are_not_utf_8_are_400() -> None:
    event = api_event("POST /v1/orders", "eyJuYW1lIjoi/yJ9", {"content-type": "application/json"})
    refused = answer(handler(event | {"isBase64Encoded": True}, Context()))
    assert (refused.status, refused.json["code"]) == (400, "body_malformed")


def test_a_replacement_character_is_400_only_where_the_gateway_inserted_it() -> None:
    refused = send(b'{"name":"Jos\xe9"}'.decode(errors="replace"))
    assert (refused.status, refused.json["code"]) == (400, "body_malformed")
    assert send(r'{"name":"Jos\ufffd"}').status == 200


@pytest.mark.parametrize("body", ["[]", "null", "3", '"x"'])
def test_json_that_is_not_an_object_is_422_at_the_root(body: str) -> None:
    assert pointers(send(body)) == ["#"]


@pytest.mark.parametrize("body", [None, ""])
def test_a_missing_body_is_400(body: str | None) -> None:
    refused = answer(handler(api_event("POST /v1/orders", body), Context()))
    assert (refused.status, refused.json["code"]) == (400, "body_missing")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/jsonx",
        "application/json; charset=latin-1",
        'application/json; profile=";"; charset=latin-1',
        '"application/json"',
    ],
)
def test_another_media_type_is_415(content_type: str | None) -> None:
    refused = send({"name": "a"}, content_type)
    assert (refused.status, refused.json["code"]) == (415, "media_type_unsupported")
    assert refused.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "Application/JSON",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; charset=utf8",
        "application/json; profile=https://example.com/p; charset=utf-8",
        r'application/json; profile="a;charset=latin-1\";charset=x"; charset=utf-8',
        'application/json; profile="not closed;charset=latin-1',
    ],
)
def test_equivalent_spellings_of_the_media_type_are_accepted(content_type: str) -> None:
    assert send({"name": "a"}, content_type).status == 200


def test_a_compressed_body_is_415() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    refused = answer(handler(api_event("POST /v1/orders", '{"name":"a"}', headers), Context()))
    assert (refused.status, refused.json["code"]) == (415, "content_encoding_unsupported")
    assert refused.headers["accept-encoding"] == "identity"


def test_a_body_over_the_limit_is_413() -> None:
    fits = '{"name":"a","anything":"' + "x" * (json_body.MAX_BYTES - 26) + '"}'
    assert len(fits) == json_body.MAX_BYTES
    assert send(fits).status == 200
    refused = send(fits[:-2] + 'x"}')
    assert (refused.status, refused.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("levels", "status"), [(31, 200), (32, 400), (100_000, 400)])
def test_a_body_may_nest_32_levels(levels: int, status: int) -> None:
    refused = send('{"name":"a","anything":' + "[" * levels + "]" * levels + "}")
    assert refused.status == status
    assert status == 200 or refused.json["code"] == "body_too_deep"


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\x9f"])
def test_control_characters_are_refused_in_every_text(character: str) -> None:
    text = f"a{character}b"
    sent = {
        "name": text,
        "remark": text,
        "anything": [{"deep": text}, {text: 1}],
        "by_key": {text: {"count": 1}},
    }
    assert pointers(send(sent)) == [
        "#/anything/0/deep",
        f"#/anything/1/{text}",
        f"#/by_key/{text}",
        "#/name",
        "#/remark",
    ]


def test_only_multiline_fields_accept_line_breaks() -> None:
    assert send({"name": "a", "remark": "b\r\n\tc"}).json["remark"] == "b\r\n\tc"
    assert pointers(send({"name": "a\tb", "remark": ""})) == ["#/name"]


@pytest.mark.parametrize("number", [1 << 53, -(1 << 53), 1 << 64, 1 << 200])
def test_a_number_that_programs_read_differently_is_refused(number: int) -> None:
    assert pointers(send({"name": "a", "number": number, "anything": {"x": number}})) == [
        "#/anything/x",
        "#/number",
    ]
    assert send({"name": "a", "number": (1 << 53) - 1}).status == 200


def test_a_body_has_at_most_10_000_values() -> None:
    fits = {"name": "a", "anything": [0] * (json_values.MAX_VALUES - 2)}
    assert send(fits).status == 200
    refused = send({**fits, "remark": ""})
    assert (refused.status, refused.json["code"]) == (413, "body_too_many_values")


def test_at_most_100_errors_are_reported() -> None:
    assert len(pointers(send({"name": "a", **{f"x{number}": 1 for number in range(200)}}))) == 100


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada.L+x@EXAMPLE.Org ", "Ada.L+x@example.org"),
        ("zoe\u0308@bu\u0308cher.example", "zo\u00eb@xn--bcher-kva.example"),
        ("x" * 64 + "@a.example", "x" * 64 + "@a.example"),
    ],
)
def test_an_address_is_normalised(typed: str, kept: str) -> None:
    assert send({"name": "a", "email": typed}).json["email"] == kept


@pytest.mark.parametrize(
    "typed",
    [
        "ada", "@example.org", "ada@", "ada@localhost", "a b@example.org", "a@b@example.org", ".a@example.org",
        "a..b@example.org", "a.@example.org", '"a"@example.org', "a@[127.0.0.1]", "a@-x.example", "a@x..example",
        "a@127.0.0.1", "x" * 65 + "@a.example", "a@" + "x" * 64 + ".example", "a@" + "x." * 125 + "example",
        "a@ex\u202eample.org", "a@\u2024.example", "a\n@example.org", "é" * 33 + "@a.example",
    ],
)  # fmt: skip
def test_an_address_that_mail_servers_refuse_is_refused(typed: str) -> None:
    assert pointers(send({"name": "a", "email": typed})) == ["#/email"]


def test_many_brackets_side_by_side_are_not_depth() -> None:
    assert send({"name": "a", "lines": [{"count": 1}] * 500}).status == 200


def test_too_many_items_are_one_error_of_the_list() -> None:
    [error] = send({"name": "a", "lines": [{"count": 1}] * 501}).json["errors"]
    assert error["pointer"] == "#/lines"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "lines", "count", "note", "by_key", "language", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_body_causes_a_500(body: object) -> None:
    refused = send(body)
    assert refused.status in (200, 400, 422)
    if refused.status == 422:
        assert refused.json["errors"]


@given(st.text(min_size=1, max_size=40))
def test_no_text_causes_a_500(text: str) -> None:
    assert send(text).status in (200, 400, 422)
