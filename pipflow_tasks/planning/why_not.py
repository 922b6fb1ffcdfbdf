"""``why-not``: what rules out a version, and the command that takes it or makes it possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import RequirementsError, Unsatisfiable
from ..plan import Explanation
from ..requirements import as_one_word, split_requirements
from .add import AddOptions, draft_add
from .draft import Draft, warn
from .inputs import readers_of, readers_of_new, reads, releases
from .requests import is_met, missing_extras
from .unblocking import REPEATED
from .upgrade import draft_upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..requirements import Line, Request
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
            yield Draft(explanations=(_already(asked, lines[0], newest),))
            continue
        yield from _try(inputs, asked, is_listed=bool(lines))


def _already(request: Request, line: Line, newest: Version | None) -> Explanation:
    at = f"{line.spelled_name} is at {line.pin} already ({line.place})"
    reason = f"{at}, the newest version" if line.pin == newest else at
    return Explanation(requirement=_shown(request), is_possible=True, reasons=(reason,), fix="")


def _shown(request: Request) -> str:
    return f"{request.written_name}{request.specifier}"


def _try(inputs: Inputs, request: Request, *, is_listed: bool) -> Iterator[Draft]:
    """Plan to take what is asked for, and explain what comes of it."""
    shown = _shown(request)
    command = "upgrade" if is_listed and not request.requirement.extras else "add"
    call = f"{command} {as_one_word(shown)}"
    try:
        if command == "upgrade":
            drafts = list(draft_upgrade(inputs, [request], prereleases=_is_exact(request)))
        else:
            options = AddOptions(prereleases=_is_exact(request))
            drafts = list(draft_add(inputs, [request], options))
    except Unsatisfiable as error:
        fix = error.hint.replace("--with-upgrades", f"`{call} --with-upgrades`")
        fix = fix.replace(REPEATED, f"`{call}`")
        yield Draft(explanations=(_against(shown, error.reasons, fix),))
    except RequirementsError as error:
        place = f" ({error.path}:{error.line})" if error.line is not None else ""
        yield Draft(explanations=(_against(shown, (f"{error.message}{place}",), error.hint),))
    else:
        yield from (warn(*draft.warnings) for draft in drafts)
        held = [held.reason for draft in drafts for held in draft.held]
        fix = f"`{call}` takes it"
        if taken := [str(pin.version) for draft in drafts for pin in draft.pins]:
            fix = f"`{call}` moves it to {taken[0]}"
        elif taken := [str(new.version) for draft in drafts for new in draft.additions]:
            fix = f"`{call}` takes {taken[0]}"
        yield Draft(
            explanations=(
                Explanation(requirement=shown, is_possible=True, reasons=tuple(held), fix=fix),
            )
        )


def _is_exact(request: Request) -> bool:
    return any(clause.operator == "==" for clause in request.requirement.specifier)


def _against(shown: str, reasons: tuple[str, ...], fix: str) -> Explanation:
    return Explanation(requirement=shown, is_possible=False, reasons=reasons, fix=fix)
