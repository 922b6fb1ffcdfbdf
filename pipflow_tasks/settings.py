"""The settings of a project, under ``pipflow`` in Invoke's configuration.

Every setting is a string or a number, so that an environment variable such as
``INVOKE_PIPFLOW_SERVICE`` can hold it. A setting that is missing or empty has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from .errors import UsageError

DEFAULT_FILE = "requirements.txt"

_CHOICES = {
    "builder": ("auto", "compose", "docker", "podman", "podman-compose"),
    "sort": ("block", "insert"),
    "rebuild": ("auto", "always", "never"),
}
_PLAIN_BOOLEANS = {"true": "auto", "false": "never"}
_MAPS = {"index_for": "`torch*=https://host/simple/`"}
_NUMBERS = {  # the least, the most, and the range in words
    "cooldown_days": (0.0, 3650.0, "a number of days from 0 to 3650, such as 7"),
    "timeout_seconds": (0.001, 30.0, "a number of seconds above 0, at most 30"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a project; where one is empty, the tool finds the value by itself.

    Attributes:
        file: the requirements file, relative to the project's root; several with commas. By
            default ``requirements.txt``, else the one file that the builds install.
        dockerfile: the Dockerfile, relative to the root.
        context: the folder that it is built from, relative to the root.
        stage: the stage of it that is built.
        service: the compose service to read and build.
        image: the tag of a plain build; by default the folder's name.
        builder: ``auto``, ``compose``, ``docker``, ``podman`` or ``podman-compose``.
        build_command: the command line that builds instead of those; ``{file}``, ``{context}``,
            ``{image}`` and ``{platform}`` are filled in.
        verify: a command line to run in the new image; if it fails, the build has failed.
        sort: ``block`` sorts the block that a requirement is added to; ``insert`` moves no line.
        rebuild: ``auto`` builds if an engine answers, ``always`` fails without an engine,
            ``never`` does not build.
        python: the image's Python, such as ``3.11`` or ``3.11.4``; ``host`` is this host's.
        platform: the image's platform, such as ``linux/arm64``; several with commas.
        index_url: the package index.
        extra_index_url: further indexes, separated by spaces.
        index_for: patterns of project names, each with the one index that is asked for these:
            ``torch*=https://host/simple/``, several separated by commas.
        cooldown_days: releases that are younger are skipped.
        timeout_seconds: how long to wait for a connection to an index, and for its next bytes.
    """

    file: str = ""
    dockerfile: str = ""
    context: str = ""
    stage: str = ""
    service: str = ""
    image: str = ""
    builder: str = "auto"
    build_command: str = ""
    verify: str = ""
    sort: str = "block"
    rebuild: str = "auto"
    python: str = ""
    platform: str = ""
    index_url: str = ""
    extra_index_url: str = ""
    index_for: str = ""
    cooldown_days: float = 0.0
    timeout_seconds: float = 10.0

    @property
    def files(self) -> tuple[str, ...]:
        """The requirements files; new requirements go into the first."""
        named = tuple(part.strip() for part in self.file.split(",") if part.strip())
        return named or (DEFAULT_FILE,)

    @property
    def indexes_for(self) -> tuple[tuple[str, str], ...]:
        """The patterns of ``index_for``, each with its index."""
        pairs = (part.partition("=") for part in self.index_for.split(",") if part.strip())
        return tuple((pattern.strip(), url.strip()) for pattern, _, url in pairs)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Check the values of a configuration, and return them as settings.

        Raises:
            UsageError: a setting is unknown, or its value is not valid.
        """
        known = SETTINGS
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                close = get_close_matches(name, known, n=1)
                raise UsageError(
                    f'there is no setting "{name}"',
                    hint=f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}",
                )
            if value is None:  # a key without a value
                continue
            if name in _MAPS:
                checked[name] = _pairs(name, value)
            else:
                checked[name] = _number(name, value) if name in _NUMBERS else _word(name, value)
        return cls(**checked)


_SINGLE = frozenset({"dockerfile", "service", "stage"})
"""The settings whose values each mean an image."""

SETTINGS = tuple(field.name for field in fields(Settings))


def _word(name: str, value: object) -> str:
    if name in _SINGLE:
        value = _single(name, value)
    if isinstance(value, (list, tuple, set, dict)):
        raise UsageError(
            f"the setting {name} can't be a list or a table",
            hint="write one string, with several values separated by commas (indexes by spaces)",
        )
    word = str(value).strip()
    if name in _CHOICES:
        word = word.lower()
        if name == "rebuild":
            word = _PLAIN_BOOLEANS.get(word, word)
        if word not in _CHOICES[name]:
            raise UsageError(
                f'the setting {name} can\'t be "{value}"',
                hint=f"use one of {', '.join(_CHOICES[name])}",
            )
    if name == "python" and isinstance(value, float):
        raise UsageError(
            f"the setting python is the number {value}, and as numbers 3.1 and 3.10 are the same",
            hint='write the version in quotes, like `python: "3.10"`',
        )
    if name == "file" and word and not word.strip(", "):
        raise UsageError("the setting file is empty", hint="name the requirements file")
    if name == "file" and "://" in word:
        raise UsageError(
            f'the setting file can\'t be "{word}": a file at an address is not edited',
            hint="name a file of the project that includes it with a line `-r ADDRESS`",
        )
    return word


def _single(name: str, value: object) -> object:
    """Return the one value of a setting that may name several some day."""
    if not isinstance(value, (str, list, tuple)):
        return value
    several = value.split(",") if isinstance(value, str) else value
    named = [word for word in (str(each).strip() for each in several) if word]
    if len(named) > 1:
        raise UsageError(
            f"the setting {name} names several: {', '.join(named)}; a command is for one image",
            hint=f"set `{name}: {named[0]}`, and for another one run the command again with "
            f"INVOKE_PIPFLOW_{name.upper()}={named[1]}",
        )
    return value.strip(" ,") if isinstance(value, str) else value


def _pairs(name: str, value: object) -> str:
    """Return a table, or `key=value` pairs separated by commas, as such pairs."""
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={each}" for key, each in value.items())
    word = str(value).strip()
    for pair in filter(None, map(str.strip, word.split(","))):
        key, _, each = map(str.strip, pair.partition("="))
        if not key or not each:
            raise UsageError(
                f"the setting {name} has no value for `{pair}`",
                hint=f"write a table, or pairs separated by commas, such as {_MAPS[name]}",
            )
    return word


def _number(name: str, value: object) -> float:
    least, most, allowed = _NUMBERS[name]
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise UsageError(f'the setting {name} can\'t be "{value}"', hint=f"use {allowed}")
    return number
