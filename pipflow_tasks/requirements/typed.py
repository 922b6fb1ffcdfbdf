"""Requirements from the command line: several in one word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from ..errors import RequirementsError, redact
from ..values import in_brackets, require_short_numbers
from .line import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator


class Request(Struct, frozen=True, kw_only=True):
    """A requirement from the command line.

    Attributes:
        requirement: the parsed requirement.
        specifier: its specifier as it was typed, without spaces.
    """

    requirement: Requirement
    specifier: str

    @property
    def name(self) -> NormalizedName:
        """The project's canonical name."""
        return canonicalize_name(self.requirement.name)

    @property
    def written_name(self) -> str:
        """The project's name with its extras."""
        return f"{self.requirement.name}{in_brackets(self.requirement.extras)}"

    @property
    def shown(self) -> str:
        """What is asked for, as it was typed, but for its marker."""
        return f"{self.written_name}{self.specifier}"


_SINGLE_EQUALS = re.compile(r"([\w.\-]+(?:\[[\w.,\-]*\])?)=([\w.+!]+)", re.ASCII)

MOST_TYPED = 20_000
"""How many characters of requirements a command takes."""


def split_requirements(text: str) -> tuple[Request, ...]:
    """Read requirements from one word, where they are separated by commas or spaces.

    ``requests[socks]>=2.30,<3 flask`` is two. A marker extends to the next comma or to the end.

    Raises:
        RequirementsError: a part is not a PEP 508 requirement, or the text is too long.
    """
    if len(text) > MOST_TYPED:
        raise RequirementsError(f"more than {MOST_TYPED:,} characters of requirements are typed")
    return tuple(_read(part) for part in _split(text))


def _read(text: str) -> Request:
    try:
        requirement = Requirement(require_short_numbers(text))
    except (ValueError, RecursionError) as error:
        if "://" in text:
            raise _address(redact(text)) from error
        reason = str(error).partition("\n")[0]
        hint = 'write a name, or a name with a specifier in quotes, like "django>=4.2,<5"'
        if meant := _SINGLE_EQUALS.fullmatch(text):
            hint = f'did you mean "{meant[1]}=={meant[2]}"?'
        raise RequirementsError(f'"{text}" is not a requirement: {reason}', hint=hint) from error
    if requirement.url is not None:
        raise _address(requirement.name)
    name = NAME.match(text)
    assert name is not None
    rest = text[name.end() :].partition(";")[0].strip()
    if rest.startswith("["):
        rest = rest.partition("]")[2]
    return Request(requirement=requirement, specifier="".join(rest.strip(" ()").split()))


def _address(shown: str) -> RequirementsError:
    return RequirementsError(
        f'"{shown}" is given by its address, so there is no version to look up',
        hint="write the line into the requirements file; it will be left alone",
    )


def _split(text: str) -> Iterator[str]:
    """Yield the text of each requirement."""
    start = 0
    quote = ""
    depth = 0
    in_marker = False
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and in_marker:
            quote = character
        elif character in "[(":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == ";":
            in_marker = True
        elif depth == 0 and _separates(text, start, index, in_marker=in_marker):
            yield from filter(None, [text[start:index].strip(", \t\r\n")])
            start, in_marker = index + 1, False
    yield from filter(None, [text[start:].strip(", \t\r\n")])


def _separates(text: str, start: int, index: int, *, in_marker: bool) -> bool:
    """Return whether the character at ``index`` separates two requirements."""
    if in_marker or text[index] == ",":
        after = text[index + 1 :].lstrip(", \t\r\n")
        return text[index] == "," and (in_marker or after[:1] not in set("<>=!~"))
    if not text[index].isspace():
        return False
    before = text[start:index].rstrip()
    after = text[index + 1 :].lstrip(" \t\r\n")
    goes_on = after[:1] in set("<>=!~([;,@") or before.endswith(("<", ">", "=", "@", "~", ","))
    return bool(after) and not goes_on


def as_one_word(*requirements: str) -> str:
    """Return requirements as one word of a command line, as ``split_requirements`` reads it.

    More than a name is quoted for the shell.
    """
    text = " ".join(requirements)
    return text if NAME.fullmatch(text) else f'"{text}"'
