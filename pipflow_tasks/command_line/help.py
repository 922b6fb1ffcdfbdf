"""What ``pipflow --help`` and ``pipflow COMMAND --help`` print."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import fields
from inspect import cleandoc
from typing import TYPE_CHECKING

from ..tasks import LISTS, Shared, examples
from .arguments import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from invoke.parser.argument import Argument
    from invoke.parser.context import ParserContext

    from .arguments import Surface

_PURPOSE = (
    "Keep a pinned requirements.txt for software that is installed in a Docker image and nowhere "
    "else."
)
_GROUPS = (
    ("Change the requirements, and build the image", "add remove upgrade upgrade-all pin"),
    ("Look, and change nothing", "outdated why why-not check"),
    ("Pin transitive dependencies, too", "lock unlock adopt"),
    ("Image and cache", "rebuild cache"),
)
"""The commands as a user thinks of them; one that is in no group is with the last."""

_SAID_BY_TITLE = (", and build the image.", "; change nothing.")
_VALUES = {
    "color": "WHEN",
    "completion": "SHELL",
    "direct": "PACKAGES",
    "file": "FILE",
    "format": "FORMAT",
    "group": "HEADING",
    "level": "LEVEL",
    "max-growth": "SIZE",
    "names": "PACKAGES",
    "only": "PACKAGES",
    "skip": "PACKAGES",
    "sources": "FILES",
    "transitive": "PACKAGES",
    "verify": "COMMAND",
}
_COMMON = {field.name.strip("_").replace("_", "-") for field in fields(Shared)}
_WIDEST = 100
_INDENT = "  "


def describe_program(surface: Surface) -> str:
    """Return the commands in groups, and the options of the program."""
    rows = {name: _row(name, surface) for name in surface.tasks if _is_main(name, surface)}
    named = {name for _, names in _GROUPS for name in names.split()}
    last = _GROUPS[-1][0]
    lines = [*_wrap(_PURPOSE), "", "Usage: pipflow COMMAND [OPTIONS] [PACKAGES]"]
    width = max(len(shown) for shown, _ in rows.values())
    for title, names in _GROUPS:
        others = [name for name in rows if title == last and name not in named]
        known = [rows[name] for name in (*names.split(), *others) if name in rows]
        lines += ["", f"{title}:", *_table(known, width)]
    options = [_option(surface.core.args[name]) for name in SHOWN]
    lines += ["", "Options:", *_table(options, max(len(shown) for shown, _ in options))]
    lines += ["", "`pipflow COMMAND --help` explains a command, with examples."]
    return "\n".join(lines)


def describe_command(name: str, surface: Surface) -> str:
    """Return how a command is used, what it does, examples, and its options."""
    context = surface.tasks[name]
    summary, _, more = cleandoc(surface.namespace[name].body.__doc__ or "").partition("\n\n")
    lines = [f"Usage: pipflow {context.name} [OPTIONS]{_packages(context)}", "", *_wrap(summary)]
    for paragraph in filter(None, more.split("\n\n")):
        lines += ["", *_wrap(paragraph)]
    if context.aliases:
        lines += ["", f"Also called {', '.join(context.aliases)}."]
    calls = examples(surface.namespace, str(context.name))
    lines += ["", "Examples:", *(f"{_INDENT}{call}" for call in calls)]
    known = [each for each in context.args.values() if not each.positional]
    own = [_option(each) for each in known if each.names[0] not in _COMMON]
    common = [_option(each) for each in known if each.names[0] in _COMMON]
    common.append(_option(surface.core.args["help"]))
    width = max(len(shown) for shown, _ in (*own, *common))
    for title, options in (("Options", own), ("Common options", common)):
        lines += ["", f"{title}:", *_table(options, width)] if options else []
    return "\n".join(lines)


def _is_main(name: str, surface: Surface) -> bool:
    """Return whether a name is not an alias."""
    return name == surface.tasks[name].name


def _row(name: str, surface: Surface) -> tuple[str, str]:
    """Return a command with its packages, and what it does, but for what its group says."""
    return f"{name}{_packages(surface.tasks[name])}", summary_of(name, surface)


def summary_of(name: str, surface: Surface) -> str:
    """Return what a command does, but for what is said of its whole group."""
    summary = cleandoc(surface.namespace[name].body.__doc__ or "").partition("\n\n")[0]
    for said in _SAID_BY_TITLE:
        summary = summary.removesuffix(said)
    return summary.replace("\n", " ").removesuffix(".")


def _packages(context: ParserContext) -> str:
    """Return how the usage line shows the packages or files that a command takes."""
    if context.positional_args:
        return " PACKAGES"
    taken = next((name for name in LISTS if name in context.args), "")
    return f" [{_VALUES[taken]}]" if taken else ""


def _option(argument: Argument) -> tuple[str, str]:
    """Return the names of an option with what its value is, and its help with the default."""
    short = [f"-{name}, " for name in argument.names if len(name) == 1]
    shown = f"{''.join(short)}--{argument.names[0]}"
    text = argument.help or ""
    if not argument.takes_value or argument.optional:
        return shown, text
    default = f" [default: {argument.default}]" if argument.default else ""
    return f"{shown} {_VALUES.get(argument.names[0], 'VALUE')}", f"{text}{default}"


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield rows in two columns; the first has a width of its own."""
    indent = f"{_INDENT}{'':<{width}}  "
    for shown, text in rows:
        first, *others = _wrap(text, indent) or [""]
        yield f"{_INDENT}{shown:<{width}}  {first[len(indent) :]}".rstrip()
        yield from others


def _wrap(text: str, indent: str = "") -> Sequence[str]:
    width = min(shutil.get_terminal_size().columns, _WIDEST) - 1
    return textwrap.wrap(
        text, max(width, len(indent) + 20), initial_indent=indent, subsequent_indent=indent
    )
