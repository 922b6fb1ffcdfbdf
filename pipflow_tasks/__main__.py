"""The ``pipflow`` program: the same tasks without a tasks file, one task in each call.

``pipflow add requests flask`` does the same as ``invoke deps.add "requests, flask"``. Invoke's
Program would read the second package as a task, has no ``--list`` for a bundled namespace, and
passes ``--help`` behind a task to that task. So the arguments are rearranged before it reads them.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from invoke.program import Program

from .mount import search_root
from .tasks import program_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.collection import Collection
    from invoke.parser.context import ParserContext


class PipflowProgram(Program):
    """Invoke's program for our namespace, with the project's ``invoke.yaml``."""

    def __init__(self, tasks: Collection) -> None:
        super().__init__(
            name="pipflow",
            binary="pipflow",
            binary_names=["pipflow"],
            namespace=tasks,
            version=version("pipflow-tasks"),
        )
        self._tasks = tasks

    def parse_collection(self) -> None:
        """Load the namespace, and the configuration of the project."""
        super().parse_collection()
        self.config.set_project_location(search_root("requirements.txt"))
        self.config.load_project()

    def normalize_argv(self, argv: list[str] | None) -> None:
        """Put the arguments in the order that Invoke reads."""
        super().normalize_argv(argv)
        contexts = {
            name: context
            for context in self._tasks.to_contexts()
            for name in (context.name, *context.aliases)
        }
        program, *words = self.argv
        self.argv = [program, *arrange(words, contexts, self.initial_context)]


def arrange(
    words: Sequence[str], tasks: dict[str | None, ParserContext], core: ParserContext
) -> list[str]:
    """Return the arguments with options before packages, and with all packages in one word.

    Args:
        words: the arguments of the program.
        tasks: the tasks by name.
        core: Invoke's own options.
    """
    if any(word in {"--list", "-l"} for word in words):
        return ["--help"]
    place = _first_word(words, core)
    if place is None or words[place] not in tasks:
        return list(words)
    name = words[place]
    options: list[str] = []
    packages: list[str] = []
    rest = iter(words[place + 1 :])
    for word in rest:
        if word in {"--help", "-h"}:
            return ["--help", name]
        if word == "--":
            packages.extend(rest)
        elif word.startswith("-") and len(word) > 1:
            options.append(word)
            if _takes_value(word, tasks[name]):
                options.extend([value] if (value := next(rest, None)) is not None else [])
        else:
            packages.append(word)
    joined = [", ".join(packages)] if packages else []
    return [*words[:place], name, *options, *joined]


def main() -> None:
    """Run the program."""
    PipflowProgram(program_namespace()).run(sys.argv)


def _first_word(words: Sequence[str], core: ParserContext) -> int | None:
    """Return the place of the first word that is neither an option nor an option's value."""
    place = 0
    while place < len(words):
        if not words[place].startswith("-"):
            return place
        place += 2 if _takes_value(words[place], core) else 1
    return None


def _takes_value(word: str, context: ParserContext) -> bool:
    """Return whether the next word is the value of an option."""
    flag = context.flags.get(word)
    return flag is not None and bool(flag.takes_value) and not flag.optional


if __name__ == "__main__":
    main()
