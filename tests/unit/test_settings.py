"""Settings: what a configuration may say, and what is refused with a hint."""

from dataclasses import asdict
from typing import Any

import pytest

from pipflow_tasks.errors import UsageError
from pipflow_tasks.settings import Settings

DEFAULTS = asdict(Settings())


def setting(name: str, value: object) -> Any:
    return asdict(Settings.from_mapping({name: value}))[name]


def test_defaults() -> None:
    """A configuration that says nothing gives the defaults."""
    settings = Settings.from_mapping({})

    assert settings == Settings()
    assert (settings.file, settings.builder, settings.sort, settings.rebuild) == (
        "requirements.txt",
        "auto",
        "block",
        "auto",
    )
    assert settings.timeout_seconds == 10.0


def test_every_default_is_a_word_or_a_number() -> None:
    """Invoke takes the type of an environment variable from the default: none is None or a list."""
    assert {type(value) for value in DEFAULTS.values()} <= {str, int, float}


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_defaults_can_be_given_back(name: str) -> None:
    """What Invoke hands back unchanged is accepted."""
    assert setting(name, DEFAULTS[name]) == DEFAULTS[name]


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_empty_setting_has_its_default(name: str) -> None:
    """A key without a value, as YAML has it, says nothing."""
    assert setting(name, None) == DEFAULTS[name]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("file", "requirements/prod.txt", "requirements/prod.txt"),
        ("file", "  dev.txt ", "dev.txt"),
        ("service", "api", "api"),
        ("service", 1, "1"),
        ("python", "3.11", "3.11"),
        ("python", "3.11.4", "3.11.4"),
        ("builder", "Docker", "docker"),
        ("builder", "podman", "podman"),
        ("sort", "insert", "insert"),
        ("rebuild", "always", "always"),
        ("rebuild", " Never ", "never"),
        ("rebuild", True, "auto"),
        ("rebuild", False, "never"),
        ("rebuild", "true", "auto"),
        ("rebuild", "False", "never"),
        ("timeout_seconds", 5, 5.0),
        ("timeout_seconds", "2.5", 2.5),
        ("timeout_seconds", 30, 30.0),
    ],
)
def test_setting_is_taken_over(name: str, value: object, expected: object) -> None:
    """Words are trimmed, choices lower-cased, numbers read from text, plain booleans understood."""
    assert setting(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("builder", "kaniko", "it is one of auto, compose, docker, podman"),
        ("sort", "file", "it is one of block, insert"),
        ("rebuild", "yes", "it is one of auto, always, never"),
        ("timeout_seconds", 0, "above 0, at most 30"),
        ("timeout_seconds", -1, "above 0, at most 30"),
        ("timeout_seconds", 31, "above 0, at most 30"),
        ("timeout_seconds", "soon", "above 0, at most 30"),
        ("timeout_seconds", "nan", "above 0, at most 30"),
        ("timeout_seconds", "inf", "above 0, at most 30"),
        ("timeout_seconds", True, "above 0, at most 30"),
        ("python", 3.11, 'write the version in quotes, like `python: "3.10"`'),
        ("file", "", "name the requirements file"),
        ("file", " ", "name the requirements file"),
        ("file", "https://a.example.com/base.txt", "a line `-r ADDRESS` includes it"),
        ("extra_index_url", ["https://a.example.com", "https://b.example.com"], ""),
        ("service", {"api": True}, ""),
    ],
)
def test_value_that_can_not_be_is_refused(name: str, value: object, hint: str) -> None:
    """A value that makes no sense is an error that names the setting and says what would."""
    with pytest.raises(UsageError, match=name) as caught:
        setting(name, value)

    assert hint in caught.value.hint
    assert caught.value.exit_status == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [("dockerfle", "did you mean dockerfile?"), ("Rebuild", "did you mean rebuild?")],
)
def test_unknown_setting_is_refused_with_the_closest(name: str, hint: str) -> None:
    """A setting that is misspelled is an error that names the one that was meant."""
    with pytest.raises(UsageError, match=f'no setting "{name}"') as caught:
        Settings.from_mapping({name: "x"})

    assert caught.value.hint == hint


def test_unknown_setting_is_refused_with_all() -> None:
    """A setting like none is an error that lists those there are."""
    with pytest.raises(UsageError, match='no setting "xyzzy"') as caught:
        Settings.from_mapping({"xyzzy": 1})

    assert all(name in caught.value.hint for name in DEFAULTS)


def test_settings_do_not_change() -> None:
    """Settings are a value: taking over one leaves the others at their defaults."""
    settings = Settings.from_mapping({"service": "api"})

    assert asdict(settings) == {**DEFAULTS, "service": "api"}
    with pytest.raises(AttributeError):
        settings.service = "web"  # type: ignore[misc]
