"""What a shell completes after ``pipflow``: commands, options, their values, names in the files.

A shell's function calls ``pipflow --complete SHELL`` with the words before the cursor, the last one
as far as it is typed. No Python of the project is run, and no index is asked.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..errors import PipflowError, UsageError, escape
from ..roots import find_files, find_project, folders_upward
from ..settings import split_values
from ..tasks import LISTS
from .arguments import SHOWN
from .choices import CHOOSING, SHELLS, choices_of
from .help import summary_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from invoke.parser.argument import Argument

    from ..manifest.documents import Manifest
    from .arguments import Surface

Candidate: TypeAlias = "tuple[str, str]"
"""A word, and what it means."""

_NAMING = ("remove", "upgrade", "why", "why-not")
"""The commands whose packages are those of the files."""

_LISTS_OF_NAMES = ("direct", "names", "only", "skip", "transitive")
_SELECTING = ("only", "skip")
"""The options that take headings, too; headings may have spaces."""

_ORDINARY = re.compile(r"[^\w@%+=:,./-]")
_IN_DOUBLE_QUOTES = re.compile(r'[$`"\\]')


def read_script(shell: str) -> str:
    """Return the script that makes a shell complete.

    Raises:
        UsageError: the shell is unknown.
    """
    if shell not in SHELLS:
        hint = f"use one of {', '.join(SHELLS)}"
        raise UsageError(f'there is no completion for "{shell}"', hint=hint)
    return Path(__file__).with_suffix(f".{shell}").read_text("utf-8").rstrip()


def write_candidates(shell: str, words: Sequence[str], surface: Surface) -> str:
    """Return what a shell can put in the place of the last word, as its script reads it.

    Of bash, ``words`` are the part of the word that it replaces, and the line before the cursor; of
    fish, the last word is as it is typed, with quotes.
    """
    if shell == "bash":
        return "\n".join(_for_bash(words[0], words[1], surface)) if len(words) > 1 else ""
    if shell == "fish" and words:
        words = [*words[:-1], _split(words[-1])[0][-1]]
    found = (_cleaned(each) for each in complete(words, surface))
    if shell == "zsh":
        return "\n".join(f"{_with_colons(word)}:{about}" for word, about in found)
    return "\n".join(f"{word}\t{about}" for word, about in found)


def complete(words: Sequence[str], surface: Surface) -> Iterator[Candidate]:
    """Yield what may be in the place of the last of the words."""
    *before, current = words or [""]
    command, option = _read(before, surface)
    name, equals, value = current.partition("=")
    if equals and (argument := _find(name, command, surface)) is not None:
        values = _values(argument, command, value, surface, before)
        yield from ((f"{name}={word}", about) for word, about in values)
    elif option is not None:
        yield from _values(option, command, current, surface, before)
    elif current.startswith("-"):
        yield from _starting(current, _options(command, surface))
    elif not command or command == "help":
        yield from _starting(current, _commands(command, surface))
    else:
        yield from _packages(command, current, surface, before)


def _read(words: Iterable[str], surface: Surface) -> tuple[str, Argument | None]:
    """Return the command of some words, and the option whose value comes next."""
    command = ""
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            argument = None if "=" in word else _find(word, command, surface)
            if argument is not None and _takes_value(argument) and next(rest, None) is None:
                return command, argument
        elif not command or command == "help":
            command = word if word in surface.tasks or word == "help" else command
    return command, None


def _takes_value(argument: Argument) -> bool:
    return bool(argument.takes_value) and not argument.optional


def _find(option: str, command: str, surface: Surface) -> Argument | None:
    own = surface.tasks[command].flags if command in surface.tasks else {}
    argument: Argument | None = own.get(option) or surface.core.flags.get(option)
    return argument


def _starting(current: str, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    return (each for each in candidates if each[0].startswith(current))


def _commands(command: str, surface: Surface) -> Iterator[Candidate]:
    names = (name for name in surface.tasks if name == surface.tasks[name].name)
    yield from ((name, summary_of(name, surface)) for name in names)
    if not command:
        yield "help", "Explain the program, or a command"


def _options(command: str, surface: Surface) -> Iterator[Candidate]:
    own = surface.tasks[command].args if command in surface.tasks else {}
    for argument in own.values():
        if not argument.positional:
            yield f"--{argument.names[0]}", argument.help or ""
    for name in SHOWN:
        if name not in own:
            yield f"--{name}", surface.core.args[name].help or ""


def _values(
    argument: Argument, command: str, current: str, surface: Surface, before: Sequence[str]
) -> Iterator[Candidate]:
    """Yield the values of an option; none where they are files, which the shell completes."""
    name = argument.names[0]
    if name in CHOOSING:
        yield from _starting(current, ((each, "") for each in choices_of(name, command)))
    elif name == "group":
        yield from _starting(current, ((each, "") for each in _headings(before, surface)))
    elif name in _LISTS_OF_NAMES or (name == "packages" and command in _NAMING):
        *listed, start = re.split(",\\s*" if name in _SELECTING else r"[\s,]", current)
        typed = current[: len(current) - len(start)]
        headings = _headings(before, surface) if name in _SELECTING else []
        for each in (*_names(before, surface, start), *headings):
            if each not in listed and each.casefold().startswith(start.casefold()):
                yield typed + each, ""


def _packages(
    command: str, current: str, surface: Surface, before: Sequence[str]
) -> Iterator[Candidate]:
    """Yield the packages of a command that are in the files, but for those that are typed."""
    flags = surface.tasks[command].flags
    if command in _NAMING or any(f"--{name}" in flags for name in LISTS if name != "sources"):
        for name in _names(before, surface, current):
            if name not in before:
                yield name, ""


def _names(before: Sequence[str], surface: Surface, start: str) -> list[str]:
    """Return the projects that the files name, as they spell them."""
    manifest = _read_files(before, surface)
    lines = () if manifest is None else manifest.lines
    names = sorted({line.spelled_name for line in lines if line.name}, key=str.casefold)
    return [name for name in names if name.casefold().startswith(start.casefold())]


def _headings(before: Sequence[str], surface: Surface) -> list[str]:
    manifest = _read_files(before, surface)
    files = () if manifest is None else manifest.requirements.values()
    return [*dict.fromkeys(heading for file in files for heading in file.content.headings())]


def _read_files(before: Sequence[str], surface: Surface) -> Manifest | None:
    """Return what the requirements files say; None where they can't be read."""
    from ..manifest.library import Library, read_more
    from ..manifest.reading import read_manifest

    try:
        folders = folders_upward(Path.cwd())
        typed = _typed_files(before)
        folder = find_project(folders, typed)
        names = typed or surface.read_files(folder) or find_files(folder)
        if not names:
            return None
        library = read_more(Library(root=folder, here=folder), names, {})
        return read_manifest(library, names, {})
    except (PipflowError, OSError):
        return None


def _typed_files(words: Sequence[str]) -> list[str]:
    """Return the values of ``--file``."""
    values = [after for word, after in pairwise(words) if word == "--file"]
    values += [word.partition("=")[2] for word in words if word.startswith("--file=")]
    return [name for value in values for name in split_values(value)]


# --- what the shells read -------------------------------------------------------------------------


def _cleaned(candidate: Candidate) -> Candidate:
    """Return a candidate that is one line."""
    word, about = (escape(text).replace("\n", " ").replace("\t", " ") for text in candidate)
    return word, about


def _with_colons(word: str) -> str:
    return word.replace("\\", "\\\\").replace(":", "\\:")


def _for_bash(replaced: str, line: str, surface: Surface) -> Iterator[str]:
    """Yield what bash puts in the place of the part of a word that it replaces.

    To bash, ``=`` and ``:`` end a word, and what is put within open quotes is taken as it is. What
    double quotes can't hold safely, as they are typed, is left out: ``!`` has no escape in them.
    """
    words, raw, quote = _split(line)
    for word, _ in map(_cleaned, complete(words[1:] or [""], surface)):
        shown = _quoted_for_bash(word, quote)
        if shown is None:
            continue
        lead = raw[: len(raw) - len(replaced)]
        yield shown.removeprefix(lead)


def _quoted_for_bash(word: str, quote: str) -> str | None:
    """Return a word as it is typed behind an open quote, or without one; None: it can't be."""
    if not quote:
        return _ORDINARY.sub(r"\\\g<0>", word)
    if quote == "'":
        return "'" + word.replace("'", "'\\''")
    return None if "!" in word else '"' + _IN_DOUBLE_QUOTES.sub(r"\\\g<0>", word)


def _split(line: str) -> tuple[list[str], str, str]:
    """Return the words of a line, the last one as it is typed, and the quote that it leaves open.

    The last word is empty where the line ends with a space.
    """
    words, word, start, quote = [""][:0], "", None, ""
    characters = iter(enumerate(line))
    for place, character in characters:
        if start is None and not character.isspace():
            start = place
        if quote:
            if character == quote:
                quote = ""
            elif character == "\\" and quote == '"':
                word += next(characters, (0, ""))[1]
            else:
                word += character
        elif character in "\"'":
            quote = character
        elif character == "\\":
            word += next(characters, (0, ""))[1]
        elif not character.isspace():
            word += character
        elif start is not None:
            words.append(word)
            word, start = "", None
    raw = "" if start is None else line[start:]
    return [*words, word], raw, quote
