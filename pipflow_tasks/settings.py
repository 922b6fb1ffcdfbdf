"""The settings of a project, under ``pipflow`` in Invoke's configuration.

Every setting can be written as a string or a number, so that an environment variable such as
``INVOKE_PIPFLOW_SERVICE`` can hold it: several values are separated by commas, and tables are
``key=value`` pairs. A setting that is missing or empty has its default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, TypeAlias

from .errors import UsageError

DEFAULT_FILE = "requirements.txt"

CHOICES = {
    "builder": ("auto", "compose", "docker", "podman", "podman-compose"),
    "sort": ("block", "insert"),
    "rebuild": ("auto", "always", "never"),
}
"""The settings that take one of a few words, and these."""
_PLAIN_BOOLEANS = {"true": "auto", "false": "never"}
_MAPS = {"index_for": "`torch*=https://host/simple/`", "codes": "`archived=error,yanked=ignore`"}
_PER_ENVIRONMENT = {
    "python": "`web=3.11,jobs=3.12`",
    "platform": "`web=linux/amd64,jobs=linux/arm64`",
    "verify": "`web=pip check,jobs=python -c 'import jobs'`",
}
"""The settings that may have a value for each environment, with such a value."""
_SEVERAL = frozenset({"dockerfile", "service", "stage", "cooldown_exempt"})
"""The settings that may be lists."""
_NUMBERS = {  # the least, the most, and the range in words
    "cooldown_days": (0.0, 3650.0, "a number of days from 0 to 3650, such as 7"),
    "timeout_seconds": (0.001, 30.0, "a number of seconds above 0, at most 30"),
}

OneOrEach: TypeAlias = "str | tuple[tuple[str, str], ...]"
"""One value for all environments, or pairs of an environment's name and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The settings of one environment that may differ by environment; see ``Settings``."""

    python: str = ""
    platform: str = ""
    verify: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a project; where one is empty, the tool finds the value by itself.

    ``dockerfile``, ``stage`` and ``service`` may each name several, separated by commas: their
    environments count together. ``python``, ``platform`` and ``verify`` are one value, or pairs of
    an environment's name and its value.

    Attributes:
        file: the requirements file, relative to the project's root; several with commas. By
            default ``requirements.txt``, else the one file that the builds install.
        dockerfile: the Dockerfile, relative to the root.
        context: the folder that it is built from, relative to the root.
        stage: the stage of it that is built.
        service: the compose service to read and build.
        image: the tag of a plain build; by default the folder's name. Of several builds, each adds
            its stage or the name of its Dockerfile.
        builder: ``auto``, ``compose``, ``docker``, ``podman`` or ``podman-compose``.
        build_command: the command line that builds instead of those; ``{file}``, ``{context}``,
            ``{image}``, ``{platform}`` and ``{stage}`` are filled in.
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
        cooldown_exempt: whose releases may be younger: names of projects, patterns, addresses of
            indexes, separated by commas.
        codes: codes of findings, each with ``error``, ``warning``, ``advice`` or ``ignore`` for
            ``check``: ``archived=error``, several separated by commas.
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
    verify: OneOrEach = ""
    sort: str = "block"
    rebuild: str = "auto"
    python: OneOrEach = ""
    platform: OneOrEach = ""
    index_url: str = ""
    extra_index_url: str = ""
    index_for: str = ""
    cooldown_days: float = 0.0
    cooldown_exempt: str = ""
    codes: str = ""
    timeout_seconds: float = 10.0

    @property
    def files(self) -> tuple[str, ...]:
        """The requirements files; new requirements go into the first."""
        return split_values(self.file) or (DEFAULT_FILE,)

    @property
    def dockerfiles(self) -> tuple[str, ...]:
        """The Dockerfiles."""
        return split_values(self.dockerfile)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages."""
        return split_values(self.stage)

    @property
    def services(self) -> tuple[str, ...]:
        """The compose services."""
        return split_values(self.service)

    @property
    def environments(self) -> tuple[tuple[str, str], ...]:
        """The names of environments that have values of their own, each with its setting."""
        return tuple(
            (setting, name)
            for setting in _PER_ENVIRONMENT
            for name in _keys_of(getattr(self, setting))
        )

    def chosen_for(self, names: Iterable[str]) -> Chosen:
        """Return the settings of an environment, by the first of its names that has a value."""
        names = (*names,)
        return Chosen(
            **{setting: _value_for(getattr(self, setting), names) for setting in _PER_ENVIRONMENT}
        )

    @property
    def severities(self) -> tuple[tuple[str, str], ...]:
        """The codes of findings, each with what becomes of it."""
        pairs = (part.partition("=") for part in self.codes.split(",") if part.strip())
        return tuple((code.strip(), what.strip()) for code, _, what in pairs)

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
            elif name in _PER_ENVIRONMENT:
                checked[name] = _one_or_each(name, value)
            else:
                checked[name] = _number(name, value) if name in _NUMBERS else _word(name, value)
        return cls(**checked)


SETTINGS = tuple(field.name for field in fields(Settings))


def _word(name: str, value: object) -> str:
    if name in _SEVERAL and isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    if isinstance(value, (list, tuple, set)) or _is_table(value):
        raise UsageError(
            f"the setting {name} can't be a list or a table",
            hint="write one string, with several values separated by commas (indexes by spaces)",
        )
    word = str(value).strip()
    if name in CHOICES:
        word = word.lower()
        if name == "rebuild":
            word = _PLAIN_BOOLEANS.get(word, word)
        if word not in CHOICES[name]:
            raise UsageError(
                f'the setting {name} can\'t be "{value}"',
                hint=f"use one of {', '.join(CHOICES[name])}",
            )
    if name == "python" and isinstance(value, float):
        raise UsageError(
            f"the setting python is the number {value}, and as numbers 3.1 and 3.10 are the same",
            hint='write the version in quotes, like `python: "3.10"`',
        )
    if name in _SEVERAL:
        word = ",".join(split_values(word))
    if name == "file" and word and not word.strip(", "):
        raise UsageError("the setting file is empty", hint="name the requirements file")
    if name == "file" and "://" in word:
        raise UsageError(
            f'the setting file can\'t be "{word}": a file at an address is not edited',
            hint="name a file of the project that includes it with a line `-r ADDRESS`",
        )
    return word


def split_values(text: str) -> tuple[str, ...]:
    """Return the values that commas separate."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


_PAIR = re.compile(r"""\s*([^\s=,'"]+)\s*=""")


def _one_or_each(name: str, value: object) -> OneOrEach:
    """Return one value, or a table as pairs; a text that begins with ``KEY=`` is such pairs.

    A comma separates pairs where another ``KEY=`` follows, and it is not within quotes.
    """
    if isinstance(value, tuple) and all(isinstance(each, tuple) for each in value):
        return value  # as ``Settings`` has it
    if _is_table(value):
        keys: Iterable[object] = value  # type: ignore[assignment]
        pairs = [(str(key).strip(), _in_one(name, value[key])) for key in keys]  # type: ignore[index]
    elif isinstance(value, (list, tuple)) and name == "platform":
        return _in_one(name, value)
    else:
        word = _word(name, value)
        if not _PAIR.match(word):
            return word
        split = (part.partition("=") for part in _split_pairs(word))
        pairs = [(key.strip(), each.strip()) for key, _, each in split]
    for key, each in pairs:
        if not key or not each:
            raise UsageError(
                f"the setting {name} has no value for `{key}`",
                hint="write one value for all environments, or a table with the name of each; in "
                f"one line, pairs separated by commas, such as {_PER_ENVIRONMENT[name]}",
            )
    _require_once(name, pairs)
    return tuple(pairs)


def _in_one(name: str, value: object) -> str:
    """Return one value; several platforms may be a list."""
    if name == "platform" and isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    return "" if value is None else _word(name, value)


def _split_pairs(text: str) -> list[str]:
    """Split ``key=value`` pairs at the commas outside of quotes that a further key follows."""
    parts, start, quote = [], 0, ""
    for at, letter in enumerate(text):
        if quote or letter in "\"'":
            quote = ("" if letter == quote else quote) if quote else letter
        elif letter == "," and _PAIR.match(text, at + 1):
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _is_table(value: object) -> bool:
    """Return whether a value is a table; Invoke's own kind is no ``Mapping``."""
    return isinstance(value, Mapping) or hasattr(value, "items")


def _keys_of(value: OneOrEach) -> tuple[str, ...]:
    return () if isinstance(value, str) else tuple(name for name, _ in value)


def _value_for(value: OneOrEach, names: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value
    table = dict(value)
    return next((table[name] for name in names if name in table), "")


def _pairs(name: str, value: object) -> str:
    """Return a table, or `key=value` pairs separated by commas, as such pairs."""
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={each}" for key, each in value.items())
    word = str(value).strip()
    pairs: list[tuple[str, str]] = []
    for pair in filter(None, map(str.strip, word.split(","))):
        key, _, each = map(str.strip, pair.partition("="))
        if not key or not each:
            raise UsageError(
                f"the setting {name} has no value for `{pair}`",
                hint=f"write a table, or pairs separated by commas, such as {_MAPS[name]}",
            )
        pairs.append((as_pattern(key) if name == "index_for" else key, each))
    _require_once(name, pairs)
    return word


def as_pattern(key: str) -> str:
    """Return a pattern of project names in canonical form."""
    return re.sub(r"[-_.]+", "-", key).lower()


def _require_once(name: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Raise UsageError where a key has two values: which of them is meant is unknown."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if key in found:
            raise UsageError(
                f"the setting {name} has two values for `{key}`: `{found[key]}` and `{value}`",
                hint="leave out one of them",
            )
        found[key] = value


def _number(name: str, value: object) -> float:
    least, most, allowed = _NUMBERS[name]
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise UsageError(f'the setting {name} can\'t be "{value}"', hint=f"use {allowed}")
    return number
