import pytest

from atrium.runtime import config


def test_a_missing_setting_is_named_with_the_file_that_must_declare_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATRIUM_SERVICE", "users")
    with pytest.raises(
        config.MissingSettingError, match=r"DB_HOST.*functions/users/function\.yaml"
    ):
        config.required("DB_HOST")


def test_a_setting_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "first")
    assert config.required("DB_HOST") == "first"
    monkeypatch.setenv("DB_HOST", "second")
    assert config.required("DB_HOST") == "first"


def test_an_optional_setting_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    assert (config.optional("EMPTY", "default"), config.optional("ABSENT")) == ("default", "")
