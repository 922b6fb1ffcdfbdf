"""The words of a call of ``pipflow``, in the order that Invoke's parser takes, or what is wrong.

Invoke would read the second package as a task, has no ``--list`` for a bundled namespace, and says
of every word that it does not know "No idea what it is". So all words are checked here before.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from ..errors import UsageError, as_foreign
from ..settings import SETTINGS
from ..tasks import LISTS, call, no_package
from ..values import join_words
from .choices import CHOOSING, choices_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from invoke.parser.context import ParserContext

    from ..mount import Namespace

HELP = ("--help", "-h")
SHOWN = ("isolated", "color", "completion", "version", "help")
"""The options of the program itself that its help shows; it takes Invoke's others, too."""

_LIST = ("--list", "-l")
_OTHER_NAMES = {
    "build": "rebuild",
    "compile": "lock",
    "delete": "remove",
    "freeze": "lock",
    "install": "add",
    "list": "outdated",
    "rm": "remove",
    "show": "why",
    "status": "outdated",
    "sync": "rebuild",
    "tree": "why",
    "uninstall": "remove",
    "up": "upgrade-all",
    "update": "upgrade",
}
"""What other tools call a command."""

_OTHER_OPTIONS = {
    "--dev": "--file",
    "--no-color": "--color never",
    "--no-deps": "--no-resolve",
    "--no-install": "--no-rebuild",
    "--preview": "--dry-run",
    "-n": "--dry-run",
    "-r": "--file",
}
"""What other tools call an option."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A command, a package, or an option with its value; the program's own options count apart."""

    kind: Literal["command", "package", "option", "core", "help"]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a call may have: the commands by all their names, and the options of the program.

    ``read_files`` returns the requirements files that the settings of a project name.
    """

    namespace: Namespace
    read_files: Callable[[Path], Sequence[str]]
    tasks: Mapping[str, ParserContext]
    core: ParserContext

    def call(self, command: str, *packages: str, options: Sequence[str] = ()) -> str:
        """Return a call, as messages show it."""
        return f"`{call(self.namespace, command, *packages, options=options)}`"


def take_color(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the value of ``--color``, and the words without it: it is for what follows, too."""
    color = "auto"
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            others += [word, *rest]
        elif name != "--color":
            others.append(word)
        elif equals:
            color = value
        elif (following := next(rest, None)) is not None:
            color = following
        else:
            others.append(word)
    return color, others


def find_report(words: Sequence[str], surface: Surface) -> tuple[str, str]:
    """Return the command that words name, and the format that they ask for.

    The words may be wrong: each is an empty string, or ``text``, where there is none.
    """
    command = next((str(surface.tasks[word].name) for word in words if word in surface.tasks), "")
    form = "text"
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--format":
            form = value if equals else following
    return command, form


def arrange(words: Sequence[str], surface: Surface) -> list[str]:
    """Return the words with options before packages, and with all packages in one word.

    Where a command takes packages by an option alone, ``--names`` or ``--sources``, they are that.

    Raises:
        UsageError: a command, an option or a package is not one, or is missing.
    """
    parts = tuple(_read(words, surface))
    command = "".join(_of(parts, "command"))
    if _of(parts, "help"):
        return ["--help", *filter(None, [command])]
    packages, options, core = (_of(parts, kind) for kind in ("package", "option", "core"))
    if not command:
        return core
    context = surface.tasks[command]
    names = [each.words[0].partition("=")[0] for each in parts if each.kind == "option"]
    given = {*names}
    _require_once(names, context)
    joined = [", ".join(packages)] if packages else []
    if context.positional_args:
        if not joined and "--packages" not in given:
            raise no_package(surface.namespace, command)
    elif joined:
        option = next((f"--{name}" for name in LISTS if f"--{name}" in context.flags), "")
        if not option or option in given:
            raise _needless(command, packages, option, surface)
        joined.insert(0, option)
    return [*core, command, *options, *joined]


def _require_once(names: Sequence[str], context: ParserContext) -> None:
    """Raise UsageError where an option with a value is given twice, which Invoke does not take."""
    flags = [context.flags[name] for name in names]
    for flag in flags:
        if flag.takes_value and flags.count(flag) > 1:
            name = f"--{flag.name.rstrip('_').replace('_', '-')}"
            raise UsageError(
                f"`{name}` is given twice",
                hint=f'give it once; commas separate several values: {name} "one, two"',
            )


def _of(parts: Iterable[_Part], kind: str) -> list[str]:
    return [word for part in parts if part.kind == kind for word in part.words]


def _read(words: Iterable[str], surface: Surface) -> Iterator[_Part]:
    """Yield what the words are."""
    command = ""
    rest = iter(words)
    for word in rest:
        if word in HELP or (word in _LIST and not command):
            yield _Part("help", (word,))
        elif word == "--":
            yield from (_Part("package", (each,)) for each in rest)
        elif word.startswith("-") and len(word) > 1:
            yield _read_option(word, rest, command, surface)
        elif command:
            yield _Part("package", (word,))
        elif word == "help":
            yield _Part("help", (word,))
        elif word in surface.tasks:
            command = word
            yield _Part("command", (word,))
        else:
            raise _unknown_command(word, surface)


def _read_option(word: str, rest: Iterator[str], command: str, surface: Surface) -> _Part:
    """Return an option, with its value if it takes one."""
    name, equals, _ = word.partition("=")
    own = surface.tasks[command].flags if command else {}
    # behind a command, `-e` and `-c` are those of pip
    is_core = name in surface.core.flags and (not command or name.startswith("--"))
    if name not in own and not is_core:
        raise _unknown_option(name, command, surface)
    kind: Literal["option", "core"] = "option" if name in own else "core"
    takes_value = (own if name in own else surface.core.flags)[name].takes_value
    if equals and not takes_value:
        raise UsageError(f"`{name}` takes no value", hint=f"write `{name}` alone, or leave it out")
    if not takes_value:
        return _Part(kind, (word,))
    value = word.partition("=")[2] if equals else next(rest, None)
    if value is None:
        raise UsageError(f"`{name}` needs a value", hint=_see_help(command))
    return _Part(kind, (word,) if equals else (word, value))


def _unknown_command(word: str, surface: Surface) -> UsageError:
    last = word.rpartition(".")[2]
    known = [last] if last in surface.tasks else [_OTHER_NAMES.get(word, "")]
    known += [f"--{word}"] if word in SHOWN else []
    near = next(filter(None, [*known, *get_close_matches(word, surface.tasks, n=1)]), "")
    hint = f"did you mean `{near}`?" if near else f"{surface.call('add', word)} adds a package;"
    return UsageError(f"there is no command `{as_foreign(word)}`", hint=f"{hint} {_see_help('')}")


def _unknown_option(name: str, command: str, surface: Surface) -> UsageError:
    """Return the error of an option that is unknown where it was typed."""
    shown = f"`{as_foreign(name)}`"
    what = f"`{command}` has no option {shown}" if command else f"there is no option {shown}"
    takers = _takers(name, surface)
    if takers and not command:
        what = f"{shown} is an option of a command, and stands behind it"
        return UsageError(what, hint=f"write `{surface.namespace.program} {takers[0]} {name}`")
    if takers:
        commands = join_words([f"`{each}`" for each in takers])
        return UsageError(what, hint=f"{commands} {'has' if len(takers) == 1 else 'have'} it")
    near = _near_option(name, command, surface)
    setting = name.lstrip("-").replace("-", "_")
    if setting in SETTINGS and not near:
        return UsageError(
            what, hint=f"`{setting}` is a setting: write it under `pipflow` in invoke.yaml"
        )
    hint = f"did you mean `{near}`? " if near else ""
    return UsageError(what, hint=f"{hint}{_see_help(command)}")


def _near_option(name: str, command: str, surface: Surface) -> str:
    """Return what was meant by an unknown option, or nothing.

    That is the value of another one (``--json``), the end of another command (``upgrade --all``),
    or an option that is written in a similar way.
    """
    word = name.lstrip("-")
    contexts = [surface.tasks[command]] if command else surface.tasks.values()
    own = {flag for context in contexts for flag in context.flags}
    for option in CHOOSING:
        if f"--{option}" in own and word in choices_of(option, command):
            return f"--{option} {word}"
    if f"{command}-{word}" in surface.tasks:
        return f"{command}-{word}"
    other = _OTHER_OPTIONS.get(name, "")
    known = [other if other.partition(" ")[0] in own else ""]
    longer = {each.lstrip("-"): each for each in sorted({*own, *(f"--{each}" for each in SHOWN)})}
    known += [longer[each] for each in get_close_matches(word, longer, n=1)]
    return next(filter(None, known), "")


def _takers(option: str, surface: Surface) -> list[str]:
    """Return the commands that have an option."""
    known = surface.tasks.items()
    return [name for name, each in known if name == each.name and option in each.flags]


def _see_help(command: str) -> str:
    if command:
        return f"`pipflow {command} --help` shows its options"
    return "`pipflow --help` shows the commands"


def _needless(command: str, packages: Sequence[str], option: str, surface: Surface) -> UsageError:
    """Return the error of packages that a command does not take, or not beside an option."""
    if option:
        return UsageError(
            f"{_shown(packages)} stands behind `{option}` and its value",
            hint=f'leave `{option}` out, or quote its value as one word: {option} "one, two"',
        )
    if "--only" in surface.tasks[command].flags:
        only = surface.call(command, options=["--only", ", ".join(packages)])
        hint = f"{only} leaves the others out"
        if command == "upgrade-all":
            hint = f"{surface.call('upgrade', *packages)} moves what you name; {hint}"
    elif f"--{packages[0]}" in surface.tasks[command].flags:
        hint = f"did you mean `--{packages[0]}`?"
    elif all(package in surface.tasks for package in packages):
        calls = " and then ".join(surface.call(each) for each in (command, *packages))
        hint = f"run one command at a time: {calls}"
    else:
        hint = _see_help(command)
    what = f"`{command}` takes no packages, but was given {_shown(packages)}"
    return UsageError(what, hint=hint)


def _shown(packages: Sequence[str]) -> str:
    return as_foreign(", ".join(packages))
