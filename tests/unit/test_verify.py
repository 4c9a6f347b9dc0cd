"""`make verify`: saved answers name nobody, broken promises and differences from the laptop are
reported.
"""

import json
from pathlib import Path

import pytest

from tools.operations import promised_answers, verify
from tools.operations.observations import Answer, Request, shape
from tools.operations.promised_answers import Promise, complaint

PROBLEM = {"content-type": "application/problem+json"}
STALE = Promise("stale", Request("PATCH", "/v1/me"), 412, "stale", headers=("etag",))


def test_saved_answers_keep_only_types_and_promised_words() -> None:
    body = {
        "code": "stale",
        "uid": "01a2",
        "roles": ["admin", "x"],
        "version": 3,
        "attributes": {"a": None},
    }
    answer = Answer(
        412,
        {"etag": '"7"', "content-type": "application/problem+json", "date": "today"},
        json.dumps(body).encode(),
    )
    assert answer.scrubbed == {
        "status": 412,
        "headers": {"content-type": "application/problem+json", "etag": "present"},
        "body": {
            "attributes": {"a": "NoneType"},
            "code": "stale",
            "roles": ["str"],
            "uid": "str",
            "version": "int",
        },
    }
    assert shape("Ada") == "str"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(412, PROBLEM | {"etag": "1"}, b'{"code": "stale"}'), None),
        (Answer(200, PROBLEM | {"etag": "1"}, b"{}"), "200 {}, not 412"),
        (Answer(412, PROBLEM, b'{"code": "stale"}'), "without etag"),
        (
            Answer(412, {"etag": "1", "content-type": "text/html"}, b""),
            "as text/html, not application/problem+json",
        ),
        (Answer(412, PROBLEM | {"etag": "1"}, b'{"code": "other"}'), "code other, not stale"),
        (Answer(412, PROBLEM | {"etag": "1"}, b"not json"), "code None, not stale"),
    ],
)
def test_a_broken_promise_is_reported(answer: Answer, said: str | None) -> None:
    assert complaint(STALE, answer) == said


def test_aws_is_compared_with_the_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "EVIDENCE", tmp_path)
    seen = {"health": {"status": 200, "headers": {}, "body": {"status": "pass"}}}
    assert verify.compared("dev", seen) == []
    (tmp_path / "local.json").write_text(json.dumps(seen))
    assert verify.compared("local", {}) == []
    [same] = verify.compared("dev", seen)
    [other] = verify.compared("dev", {"health": {**seen["health"], "status": 503}})
    assert (same.ok, other.ok) == (True, False)
    assert "health" in other.found


def test_the_evidence_of_the_laptop_covers_every_promise() -> None:
    def ask(_: Request) -> Answer:
        return Answer(200, {}, b"")

    promises = [*promised_answers.of_anonymous(ask), *promised_answers.of_members(ask, "token")]
    kept = json.loads((verify.EVIDENCE / "local.json").read_text())
    assert kept.keys() == {promise.name for promise in promises}
    assert {name: answer["status"] for name, answer in kept.items()} == {
        each.name: each.status for each in promises
    }
