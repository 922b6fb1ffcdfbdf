"""The goals of a command: the version that a project is to get, and why a line can't move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..resolution import Root
from .bounds import allowed_by_policy, is_held
from .choosing import choose, require
from .inputs import is_partial, reads, root_of

if TYPE_CHECKING:
    from ..requirements import Line, Request
    from ..resolution.finder import Candidate, Choice
    from .inputs import Inputs

TYPED = "what was typed"
"""The source of a root that comes from the command line."""


class Goal(Struct, frozen=True, kw_only=True):
    """A project that a command gives a version.

    Attributes:
        name: as the user or the file spells it.
        asked: the specifier that was asked for; what it keeps out needs no explanation.
        root: what the version has to satisfy.
        choice: the newest version that suits by itself.
        typed: ``asked`` as it was typed.
        line: its line; None for a new project.
    """

    name: str
    asked: SpecifierSet
    root: Root
    choice: Choice
    typed: str = ""
    line: Line | None = None


def goal_to_add(inputs: Inputs, request: Request, *, prereleases: bool) -> Goal:
    """Return the goal of adding a new project.

    Raises:
        NoCandidate: no version suits by itself.
    """
    requirement = request.requirement
    choice = choose(inputs, requirement.name, requirement.specifier, prereleases=prereleases)
    require(inputs, requirement.name, requirement.specifier, choice)
    root = Root(
        name=request.name,
        specifier=requirement.specifier,
        source=TYPED,
        shown=f"{requirement.name}{request.specifier}",
        extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
        prereleases=prereleases,
    )
    return Goal(name=requirement.name, asked=requirement.specifier, root=root, choice=choice)


def goal_to_move(
    inputs: Inputs, line: Line, *, request: Request | None = None, prereleases: bool
) -> Goal:
    """Return the goal of moving a line; without a request, not below its pin."""
    assert line.requirement is not None
    asked = SpecifierSet() if request is None else request.requirement.specifier
    if line.pin is None:
        asked = asked or line.requirement.specifier
    local = None if asked or line.pin is None else line.pin.local
    choice = choose(inputs, line.spelled_name, asked, prereleases=prereleases, local=local)
    if request is not None:
        require(inputs, line.spelled_name, asked, choice)
    candidate = choice.candidate
    pin = line.pin
    if pin is not None and pin.is_prerelease and candidate and candidate.version <= pin:
        choice = choose(inputs, line.spelled_name, asked, prereleases=True, local=local)
    standing = root_of(inputs, line)
    assert standing is not None
    floor = SpecifierSet(f">={pin.public}", prereleases=False) if pin else SpecifierSet()
    root = replace(
        standing,
        specifier=asked or floor,
        shown=f"{line.spelled_name}{asked}"
        if asked or not pin
        else f"{standing.name} {pin} or newer",
        source=TYPED if request is not None and asked else standing.source,
        prereleases=prereleases,
        local=local,
    )
    return Goal(
        name=line.spelled_name,
        asked=asked,
        typed=request.specifier if request is not None else "",
        root=root,
        choice=choice,
        line=line,
    )


def find_move(inputs: Inputs, line: Line) -> tuple[str, Candidate] | None:
    """Return what ``upgrade`` takes to move a pin to its newest candidate, and that candidate.

    None where no version suits by itself, or the policy is to hold.

    Raises:
        RequirementsError: its policy is malformed.
    """
    assert line.pin is not None
    name = line.spelled_name
    best = choose(inputs, name, allowed_by_policy(line), local=line.pin.local).candidate
    if best is None or is_held(line):
        return None
    falls = best.version < line.pin  # for which it has to be named
    return (f"{name}=={best.version}" if falls else name), best


def why_unmovable(inputs: Inputs, line: Line) -> str:
    """Return why a line can't be pinned to a version, or nothing."""
    if line.requirement is None:
        return line.kind.value
    if line.requirement.url is not None:
        return "a URL"
    if line.has_variable:
        return "given by a variable"
    if not reads(inputs, line):
        return "excluded by its marker"
    if is_partial(inputs, line):
        return "for some platforms only; another line is for the rest"
    return ""
