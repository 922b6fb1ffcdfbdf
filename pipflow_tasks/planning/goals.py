"""The goals of a command: the version that a project is to get, and why a line can't move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import NoCandidate
from ..requirements import Kind
from ..resolution import TYPED, Root
from ..resolution.finder import summarise
from .inputs import (
    allowed_by_policy,
    hint_at_unseen,
    is_held,
    is_partial,
    reads,
    releases,
    root_of,
    roots_of,
    why_unseen,
)
from .policies import asked_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..requirements import Line, Request
    from ..resolution.finder import Candidate, Choice
    from .inputs import Inputs


class Goal(Struct, frozen=True, kw_only=True):
    """A project that a command gives a version.

    Attributes:
        name: as the user or the file spells it.
        asked: the specifier that was asked for; what it keeps out needs no explanation.
        root: what the version has to satisfy.
        choice: the newest version that suits by itself.
        typed: ``asked`` as it was typed.
        line: its line; None for a new project.
        comment: what the comment of its line becomes; None keeps it.
        extras: those that its line gets besides its own.
    """

    name: str
    asked: SpecifierSet
    root: Root
    choice: Choice
    typed: str = ""
    line: Line | None = None
    comment: str | None = None
    extras: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What is asked for, as a message names it: ``flask==2.0``, else the name."""
        return self.root.shown if self.root.source == TYPED else self.name


def choose(
    inputs: Inputs,
    name: str,
    specifier: SpecifierSet,
    *,
    prereleases: bool = False,
    local: str | None = None,
    must_exist: bool = False,
) -> Choice:
    """Return the newest version of a project that suits by itself; see ``Candidates.choose``.

    Raises:
        NoCandidate: there is none, and one must exist.
        ProjectNotFound: the index does not have it.
        PackageIndexError: the index failed.
    """
    releases(inputs, name)
    choice = inputs.candidates.choose(
        canonicalize_name(name), specifier, prereleases=prereleases, local=local
    )
    if choice.candidate is None and must_exist:
        asked = f" that satisfies {specifier}" if specifier else ""
        raise NoCandidate(
            f"no version of {name}{asked} suits {inputs.target}",
            reasons=_why_none(inputs, name, specifier, choice),
            hint=hint_at_unseen(inputs) or _hint_at_suiting(inputs, name, local),
        )
    return choice


def _hint_at_suiting(inputs: Inputs, name: str, local: str | None) -> str:
    """Return the newest version that suits, whatever was asked for."""
    best = inputs.candidates.choose(canonicalize_name(name), SpecifierSet(), local=local).candidate
    if best is None:
        return "change what rules these out"
    return f"{name} {best.version} is the newest version that suits"


def _why_none(
    inputs: Inputs, name: str, specifier: SpecifierSet, choice: Choice
) -> tuple[str, ...]:
    """Return why no version of a project suits; not that others were not asked for."""
    asked = [each for each in choice.rejections if each.reason != f"does not satisfy {specifier}"]
    if asked or not choice.rejections:
        return summarise(asked) or ("the index lists no usable file",)
    newest = inputs.candidates.releases(canonicalize_name(name)).all[0]
    return (f"there is no such version; the newest is {newest}",)


def goal_to_add(inputs: Inputs, request: Request, *, prereleases: bool) -> Goal:
    """Return the goal of adding a new project.

    Raises:
        NoCandidate: no version suits by itself.
    """
    requirement = request.requirement
    specifier = requirement.specifier
    choice = choose(inputs, requirement.name, specifier, prereleases=prereleases, must_exist=True)
    root = Root(
        name=request.name,
        specifier=specifier,
        source=TYPED,
        shown=f"{requirement.name}{request.specifier}",
        extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
        prereleases=prereleases,
    )
    return Goal(name=requirement.name, asked=specifier, root=root, choice=choice)


def goal_to_move(
    inputs: Inputs,
    line: Line,
    *,
    typed: str = "",
    asked: SpecifierSet | None = None,
    must_exist: bool = False,
    prereleases: bool,
) -> Goal:
    """Return the goal of moving a line; a pin does not move down, unless something is ``asked``.

    ``asked`` is what the version has to satisfy; default: what was typed, and a line's range.
    """
    name, pin = line.spelled_name, line.pin
    asked = asked_of(inputs, line, typed) if asked is None else asked
    local = None if asked or pin is None else pin.local
    choice = choose(
        inputs,
        name,
        asked,
        prereleases=prereleases,
        local=local,
        must_exist=must_exist,
    )
    candidate = choice.candidate
    if pin is not None and pin.is_prerelease and candidate and candidate.version <= pin:
        choice = choose(inputs, name, asked, prereleases=True, local=local)
    standing = root_of(inputs, line)
    assert standing is not None
    specifier, shown = asked, f"{name}{asked}"
    if pin is not None and not asked:
        specifier = SpecifierSet(f">={pin.public}", prereleases=False)
        shown = f"{standing.name} {pin} or newer"
    root = replace(
        standing,
        specifier=specifier,
        shown=shown,
        source=TYPED if typed else standing.source,
        prereleases=prereleases,
        local=local,
    )
    return Goal(name=name, asked=asked, typed=typed, root=root, choice=choice, line=line)


def roots_without(inputs: Inputs, goals: Iterable[Goal]) -> list[Root]:
    """Return the roots of the files without those of the lines of goals."""
    places = {goal.line.place for goal in goals if goal.line is not None}
    return [root for root in roots_of(inputs) if root.place not in places]


def find_move(inputs: Inputs, line: Line) -> Candidate | None:
    """Return the newest candidate that a pin may move to by itself; None where there is none.

    Raises:
        RequirementsError: its policy is malformed.
    """
    assert line.pin is not None
    allowed = allowed_by_policy(line)
    best = choose(inputs, line.spelled_name, allowed, local=line.pin.local).candidate
    return None if is_held(line) else best


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
    return why_unseen(inputs, line)


def why_left_alone(inputs: Inputs, line: Line) -> str:
    """Return why a line is left alone; nothing for one that can be pinned, or asks for nothing."""
    if line.kind is Kind.UNREADABLE:
        return f"not a valid line: {line.problem}"
    manifest = inputs.manifest
    if line.option_values("--requirement"):
        if line in manifest.unread:
            return "an address that only the image can reach"
        if line.place in {address.place for address in manifest.addresses}:
            return "files at an address are not edited"
        if line in manifest.outside:
            return "files outside of the repository are not edited"
    if line.kind in {Kind.BLANK, Kind.COMMENT, Kind.OPTION}:
        return ""
    return why_unmovable(inputs, line)
