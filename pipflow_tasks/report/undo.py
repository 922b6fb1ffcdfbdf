"""The command that leads back from a change of files and image."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..plan import Change, Outcome, Plan


class Call(Protocol):
    """How the user calls a task: ``call("add", "flask", is_built=True)``."""

    def __call__(self, task: str, *packages: str, is_built: bool) -> str:
        """Return a command; without ``is_built`` it builds no image."""


def write_undo(plan: Plan, outcome: Outcome, call: Call) -> str:
    """Return the command that undoes what was done; empty: nothing was, or no command would."""
    if outcome.dry_run or not outcome.written:
        return ""
    is_built = outcome.status == "built" or bool(outcome.moved)
    if outcome.in_git:
        checkout = shlex.join(["git", "checkout", "--", *outcome.written])
        return f"{checkout} && {call('rebuild', is_built=True)}" if is_built else checkout
    if not plan.leads_back:
        return ""
    if plan.command in {"lock", "unlock"}:
        is_first_lock = plan.command == "lock" and all(change.is_new for change in plan.changes)
        return call("unlock", is_built=is_built) if is_first_lock else ""
    if plan.command == "adopt" or any(_is_one_way(change) for change in plan.changes):
        return ""
    tasks = [*_tasks(plan)]
    if any(_names_twice(packages) for _, packages in tasks):
        return ""
    return " && ".join(
        call(task, *packages, is_built=is_built and at == len(tasks))
        for at, (task, packages) in enumerate(tasks, 1)
    )


def _is_one_way(change: Change) -> bool:
    """Return whether no task would bring the line back: it had no version, or fewer extras.

    Or it had another marker.
    """
    return bool(change.extras or change.note) or (change.before is None and not change.is_new)


def _names_twice(packages: Iterable[str]) -> bool:
    """Return whether a project would have to get two versions: it is in several files."""
    projects = [package.partition("==")[0] for package in packages]
    return len(projects) > len({*projects})


def _tasks(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """Yield the tasks that take changes back, each with its packages."""
    tasks: dict[str, dict[str, None]] = {"remove": {}, "upgrade": {}, "add": {}}
    for change in plan.changes:
        if change.is_new and not change.is_direct:
            continue  # locked lines go with what needs them
        if change.before is None:
            tasks["remove"][change.project] = None
        else:
            task = "add" if change.after is None else "upgrade"
            tasks[task][f"{change.project}=={change.before}"] = None
    yield from ((task, [*packages]) for task, packages in tasks.items() if packages)
