"""The settings of a project: what stands under ``pipflow`` in Invoke's configuration.

Every setting is a word or a number, so that an environment variable such as
``INVOKE_PIPFLOW_SERVICE`` can hold it, and none is ever missing: an empty one is its default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHOICES = {
    "builder": ("auto", "compose", "docker", "podman", "podman-compose"),
    "sort": ("block", "insert"),
    "rebuild": ("auto", "always", "never"),
}
_PLAIN_BOOLEANS = {"true": "auto", "false": "never"}
_NUMBERS = {  # the least, the most, and how a message says so
    "cooldown_days": (0.0, 3650.0, "a number of days from 0 on, such as 7"),
    "timeout_seconds": (0.001, 30.0, "a number of seconds above 0, at most 30"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user may set; an empty string means that the tool finds out by itself.

    Attributes:
        file: the requirements file, relative to the project's root; several with commas.
        dockerfile: the Dockerfile, relative to the root.
        service: the compose service to read and build.
        image: the tag for a plain build; else the folder's name.
        builder: ``auto``, ``compose``, ``docker``, ``podman`` or ``podman-compose``.
        build_command: the command line that builds, instead of those; ``{file}``, ``{context}``,
            ``{image}`` and ``{platform}`` are filled in.
        verify: a command line to run in the new image; its failure is the build's.
        sort: ``block`` sorts the block that a requirement is added to; ``insert`` moves no line.
        rebuild: ``auto`` builds where an engine answers, ``always`` insists, ``never`` does not.
        python: the image's Python, such as ``3.11`` or ``3.11.4``.
        platform: the image's platform, such as ``linux/arm64``; several with commas.
        index_url: the package index.
        extra_index_url: further indexes, separated by blanks.
        cooldown_days: releases younger than this are passed over.
        timeout_seconds: how long to wait for an index to say something.
    """

    file: str = "requirements.txt"
    dockerfile: str = ""
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
    cooldown_days: float = 0.0
    timeout_seconds: float = 10.0

    @property
    def files(self) -> tuple[str, ...]:
        """The requirements files; new requirements go into the first."""
        return tuple(part.strip() for part in self.file.split(",") if part.strip())

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Check and take over what a configuration says; what it does not say has its default.

        Raises:
            UsageError: a setting is not known, or has a value it can't have.
        """
        known = SETTINGS
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                close = get_close_matches(name, known, n=1)
                raise UsageError(
                    f'there is no setting "{name}"',
                    hint=f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}",
                )
            if value is None:  # a key without a value
                continue
            checked[name] = _number(name, value) if name in _NUMBERS else _word(name, value)
        return cls(**checked)


SETTINGS = tuple(field.name for field in fields(Settings))


def _word(name: str, value: object) -> str:
    if isinstance(value, (list, tuple, set, dict)):
        raise UsageError(
            f"the setting {name} can't be a list or a table",
            hint="write one word; where several are meant, part them in that word",
        )
    word = str(value).strip()
    if name in _CHOICES:
        word = word.lower()
        if name == "rebuild":
            word = _PLAIN_BOOLEANS.get(word, word)
        if word not in _CHOICES[name]:
            raise UsageError(
                f'the setting {name} can\'t be "{value}"',
                hint=f"it is one of {', '.join(_CHOICES[name])}",
            )
    if name == "python" and isinstance(value, float):
        raise UsageError(
            f"the setting python is the number {value}, which can't tell 3.1 from 3.10",
            hint='write the version in quotes, like `python: "3.10"`',
        )
    if name == "file" and not word.strip(", "):
        raise UsageError("the setting file is empty", hint="name the requirements file")
    if name == "file" and "://" in word:
        raise UsageError(
            f'the setting file can\'t be "{word}": what stands at an address is not edited',
            hint="name a file of the project; one with a line `-r ADDRESS` includes it",
        )
    return word


def _number(name: str, value: object) -> float:
    least, most, said = _NUMBERS[name]
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise UsageError(f'the setting {name} can\'t be "{value}"', hint=f"it is {said}")
    return number
