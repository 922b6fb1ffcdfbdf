"""Settings: the values that a configuration may have, and those refused with a hint."""

from dataclasses import asdict
from typing import Any

import pytest

from pipflow_tasks.errors import UsageError
from pipflow_tasks.settings import Settings

DEFAULTS = asdict(Settings())


def setting(name: str, value: object) -> Any:
    return asdict(Settings.from_mapping({name: value}))[name]


def test_defaults() -> None:
    """An empty configuration has the defaults."""
    settings = Settings.from_mapping({})

    assert settings == Settings()
    assert (settings.files, settings.builder, settings.sort, settings.rebuild) == (
        ("requirements.txt",),
        "auto",
        "block",
        "auto",
    )
    assert settings.timeout_seconds == 10.0


def test_every_default_is_a_string_or_a_number() -> None:
    """No default is None or a list: it gives Invoke the type of the environment variable."""
    assert {type(value) for value in DEFAULTS.values()} <= {str, int, float}


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_defaults_are_accepted(name: str) -> None:
    """Every default is a valid value, because Invoke passes the defaults back."""
    assert setting(name, DEFAULTS[name]) == DEFAULTS[name]


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_empty_setting_has_its_default(name: str) -> None:
    """A key without a value, as in YAML, leaves the default."""
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
def test_setting_is_read(name: str, value: object, expected: object) -> None:
    """Strings are stripped, choices lower-cased, numbers read from strings, booleans understood."""
    assert setting(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("builder", "kaniko", "use one of auto, compose, docker, podman"),
        ("sort", "file", "use one of block, insert"),
        ("rebuild", "yes", "use one of auto, always, never"),
        ("timeout_seconds", 0, "above 0, at most 30"),
        ("timeout_seconds", -1, "above 0, at most 30"),
        ("timeout_seconds", 31, "above 0, at most 30"),
        ("timeout_seconds", "soon", "above 0, at most 30"),
        ("timeout_seconds", "nan", "above 0, at most 30"),
        ("timeout_seconds", "inf", "above 0, at most 30"),
        ("timeout_seconds", True, "above 0, at most 30"),
        ("python", 3.11, 'write the version in quotes, like `python: "3.10"`'),
        ("file", ",", "name the requirements file"),
        ("file", " , ", "name the requirements file"),
        ("file", "https://a.example.com/base.txt", "that includes it with a line `-r ADDRESS`"),
        ("extra_index_url", ["https://a.example.com", "https://b.example.com"], ""),
        ("service", {"api": True}, ""),
    ],
)
def test_invalid_value_is_refused(name: str, value: object, hint: str) -> None:
    """A value that is not valid is an error that names the setting and the values to use."""
    with pytest.raises(UsageError, match=name) as caught:
        setting(name, value)

    assert hint in caught.value.hint
    assert caught.value.exit_status == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [("dockerfle", "did you mean dockerfile?"), ("Rebuild", "did you mean rebuild?")],
)
def test_unknown_setting_is_refused_with_the_closest(name: str, hint: str) -> None:
    """A misspelled setting is an error that names the closest setting."""
    with pytest.raises(UsageError, match=f'no setting "{name}"') as caught:
        Settings.from_mapping({name: "x"})

    assert caught.value.hint == hint


def test_unknown_setting_is_refused_with_all() -> None:
    """An unknown setting that is close to none is an error that lists all settings."""
    with pytest.raises(UsageError, match='no setting "xyzzy"') as caught:
        Settings.from_mapping({"xyzzy": 1})

    assert all(name in caught.value.hint for name in DEFAULTS)


def test_settings_do_not_change() -> None:
    """Settings are frozen, and setting one leaves the others at their defaults."""
    settings = Settings.from_mapping({"service": "api"})

    assert asdict(settings) == {**DEFAULTS, "service": "api"}
    with pytest.raises(AttributeError):
        settings.service = "web"  # type: ignore[misc]


@pytest.mark.parametrize("value", ["app, jobs", ["app", "jobs"], "app,jobs,"])
@pytest.mark.parametrize("name", ["dockerfile", "service", "stage"])
def test_several_values_are_read(name: str, value: object) -> None:
    """Settings that each mean an image take several values, as a list or with commas."""
    settings = Settings.from_mapping({name: value})

    assert getattr(settings, f"{name}s") == ("app", "jobs")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("python", {"web": "3.11", "jobs": "3.12"}, {"web": "3.11", "jobs": "3.12"}),
        ("python", "web=3.11, jobs = 3.12", {"web": "3.11", "jobs": "3.12"}),
        ("platform", "linux/amd64,linux/arm64", "linux/amd64,linux/arm64"),
        ("platform", ["linux/amd64", "linux/arm64"], "linux/amd64,linux/arm64"),
        (
            "platform",
            "web=linux/amd64,linux/arm64,jobs=linux/arm64",
            {"web": "linux/amd64,linux/arm64", "jobs": "linux/arm64"},
        ),
        ("platform", {"web": ["linux/amd64", "linux/arm64"]}, {"web": "linux/amd64,linux/arm64"}),
        ("verify", "python -c 'a=1,b=2'", "python -c 'a=1,b=2'"),
        (
            "verify",
            "Dockerfile#cpu=pip check,jobs=python -c 'a=1,b=2'",
            {"Dockerfile#cpu": "pip check", "jobs": "python -c 'a=1,b=2'"},
        ),
    ],
)
def test_values_by_environment_are_read(name: str, value: object, expected: object) -> None:
    """Some settings take one value or a table by environment, which pairs can say in one line."""
    found = setting(name, value)

    assert (found if isinstance(found, str) else dict(found)) == expected
    assert setting(name, found) == found


@pytest.mark.parametrize("value", [{"web": ""}, {"web": None}, "web=", "web=3.11,jobs="])
def test_environment_without_value_is_refused(value: object) -> None:
    """A table by environment has a value for each name."""
    with pytest.raises(UsageError, match="the setting python has no value for") as caught:
        Settings.from_mapping({"python": value})

    assert "such as `web=3.11,jobs=3.12`" in caught.value.hint


def test_python_by_environment_is_no_number() -> None:
    """A version in a table is in quotes, as a version alone is."""
    with pytest.raises(UsageError, match=r"the setting python is the number 3\.1"):
        Settings.from_mapping({"python": {"web": 3.10}})


def test_settings_of_an_environment() -> None:
    """The first of an environment's names that has a value counts."""
    settings = Settings.from_mapping({"python": "web=3.11,web#dev=3.12", "verify": "pip check"})

    assert settings.chosen_for(["web#dev", "web"]).python == "3.12"
    assert settings.chosen_for(["web"]).python == "3.11"
    assert settings.chosen_for(["jobs"]).python == ""
    assert settings.chosen_for(["jobs"]).verify == "pip check"
