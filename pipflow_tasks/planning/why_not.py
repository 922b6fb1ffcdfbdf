"""``why-not``: what rules out a version, and the command that takes it or makes it possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import RequirementsError, Unsatisfiable, VersionConflict
from ..plan import Explanation
from ..requirements import as_one_word, split_requirements
from .add import AddOptions, draft_add
from .draft import Draft, warn
from .inputs import readers_of, readers_of_new, reads, releases
from .requests import is_met, missing_extras
from .unblocking import say_ways
from .upgrade import draft_upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..requirements import Request
    from .inputs import Inputs


def draft_why_not(inputs: Inputs, requests: Sequence[Request]) -> Iterator[Draft]:
    """Explain what rules out versions of projects, also of those that the files do not list.

    A name alone is about the newest version. What the files list is tried as ``upgrade`` takes it,
    anything else as ``add`` does.

    Raises:
        ProjectNotFound: the index does not have a project.
    """
    for request in requests:
        lines = [line for line in inputs.manifest.find(request.name) if reads(inputs, line)]
        readers = readers_of(inputs, lines[0]) if lines else readers_of_new(inputs)
        there = releases(inputs, inputs.partition.key(request.name, readers[0]))
        newest = there.newest(SpecifierSet())
        asked = request
        if not request.specifier and newest is not None:
            is_labelled = any(line.pin is not None and line.pin.local for line in lines)
            version = Version(newest.public) if is_labelled else newest  # each keeps its label
            (asked,) = split_requirements(f"{request.written_name}=={version}")
        if lines and all(is_met(line, asked) and not missing_extras(line, asked) for line in lines):
            at = f"{lines[0].spelled_name} is at {lines[0].pin} already ({lines[0].place})"
            reason = f"{at}, the newest version" if lines[0].pin == newest else at
            yield _explain(asked, [reason], "")
            continue
        yield from _try(inputs, asked, is_listed=bool(lines))


def _try(inputs: Inputs, request: Request, *, is_listed: bool) -> Iterator[Draft]:
    """Plan to take what is asked for, and explain what comes of it."""
    command = "upgrade" if is_listed and not request.requirement.extras else "add"
    call = f"{command} {as_one_word(request.shown)}"
    is_exact = any(clause.operator == "==" for clause in request.requirement.specifier)
    try:
        if command == "upgrade":
            drafts = list(draft_upgrade(inputs, [request], prereleases=is_exact))
        else:
            drafts = list(draft_add(inputs, [request], AddOptions(prereleases=is_exact)))
    except VersionConflict as error:
        fix = say_ways(error.ways, call) or error.hint
        yield _explain(request, error.reasons, fix, is_possible=False)
    except Unsatisfiable as error:
        yield _explain(request, error.reasons, error.hint, is_possible=False)
    except RequirementsError as error:
        place = f" ({error.path}:{error.line})" if error.line is not None else ""
        yield _explain(request, [f"{error.message}{place}"], error.hint, is_possible=False)
    else:
        yield from (warn(*draft.warnings) for draft in drafts)
        fix = f"`{call}` takes it"
        if taken := [str(pin.version) for draft in drafts for pin in draft.pins]:
            fix = f"`{call}` moves it to {taken[0]}"
        elif taken := [str(new.version) for draft in drafts for new in draft.additions]:
            fix = f"`{call}` takes {taken[0]}"
        yield _explain(request, [held.reason for draft in drafts for held in draft.held], fix)


def _explain(
    request: Request, reasons: Iterable[str], fix: str, *, is_possible: bool = True
) -> Draft:
    explanation = Explanation(
        requirement=request.shown, is_possible=is_possible, reasons=tuple(reasons), fix=fix
    )
    return Draft(explanations=(explanation,))
