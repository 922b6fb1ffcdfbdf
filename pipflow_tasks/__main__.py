"""The ``pipflow`` program: the same tasks without a tasks file, one task a call.

``pipflow add requests flask`` is what ``invoke deps.add "requests, flask"`` is. Invoke's Program
would take the second package for a task, knows no ``--list`` beside a namespace of its own, and
hands ``--help`` behind a task to that task: the words are put in its order before it sees them.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from invoke.program import Program

from .tasks import find_root, namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.context import ParserContext


class PipflowProgram(Program):
    """Invoke's program around our namespace, with the project's ``invoke.yaml``."""

    def parse_collection(self) -> None:
        """Take the namespace, and the configuration of the project around it."""
        super().parse_collection()
        self.config.set_project_location(find_root("requirements.txt"))
        self.config.load_project()
        self.config["pipflow_program"] = "yes"

    def normalize_argv(self, argv: list[str] | None) -> None:
        """Put the words in the order that Invoke reads."""
        super().normalize_argv(argv)
        contexts = {
            name: context
            for context in namespace.to_contexts()
            for name in (context.name, *context.aliases)
        }
        program, *words = self.argv
        self.argv = [program, *arrange(words, contexts, self.initial_context)]


def arrange(
    words: Sequence[str], tasks: dict[str | None, ParserContext], core: ParserContext
) -> list[str]:
    """Put options before the packages, and join the packages to one word.

    Args:
        words: the command line without the program.
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
    PipflowProgram(
        name="pipflow",
        binary="pipflow",
        binary_names=["pipflow"],
        namespace=namespace,
        version=version("pipflow-tasks"),
    ).run(sys.argv)


def _first_word(words: Sequence[str], core: ParserContext) -> int | None:
    """Return where the first word stands that is neither an option nor an option's value."""
    place = 0
    while place < len(words):
        if not words[place].startswith("-"):
            return place
        place += 2 if _takes_value(words[place], core) else 1
    return None


def _takes_value(word: str, context: ParserContext) -> bool:
    """Tell whether an option's value is the next word."""
    flag = context.flags.get(word)
    return flag is not None and bool(flag.takes_value) and not flag.optional


if __name__ == "__main__":
    main()
