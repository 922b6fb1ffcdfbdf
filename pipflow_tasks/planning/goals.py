"""The goals of a command: the version that a project is to get, and why a line can't move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..errors import NoCandidate, ProjectNotFound
from ..requirements import Kind, as_one_word
from ..resolution import TYPED, Root, in_each, project_of
from ..resolution.finder import summarise
from .inputs import (
    hint_at_host,
    hint_at_unseen,
    key_of,
    near_listed,
    readers_of,
    readers_of_new,
    reads,
    releases,
    root_of,
    roots_of,
    say_readers,
    say_targets,
    why_unseen,
)
from .policies import asked_of, beside_caps, cap_above, capped
from .separating import separate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..requirements import Line, Request
    from ..resolution import Key
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
        readers: those who read its line, or will.
    """

    name: str
    asked: SpecifierSet
    root: Root
    choice: Choice
    typed: str = ""
    line: Line | None = None
    comment: str | None = None
    extras: tuple[str, ...] = ()
    readers: tuple[int, ...] = (0,)

    @property
    def shown(self) -> str:
        """What is asked for, as a message names it: ``flask==2.0``, else the name."""
        return self.root.shown if self.root.source == TYPED else self.name


def key_for(inputs: Inputs, goal: Goal) -> Key:
    """Return the key of a goal's project, as the partition of some inputs has it."""
    return inputs.partition.key(project_of(goal.root.name), goal.readers[0])


def rekey(inputs: Inputs, goals: Iterable[Goal]) -> list[Goal]:
    """Return goals for the partition of some inputs."""
    keys = [(key_for(inputs, goal), goal) for goal in goals]
    return [replace(goal, root=replace(goal.root, name=key)) for key, goal in keys]


def choose(
    inputs: Inputs,
    key: Key,
    specifier: SpecifierSet,
    *,
    prereleases: bool = False,
    local: str | None = None,
    name: str = "",
    must_exist: bool = False,
) -> Choice:
    """Return the newest version of a project that suits by itself; see ``Candidates.choose``.

    ``name`` is the project's, as messages write it.

    Raises:
        NoCandidate: there is none, and one must exist.
        ProjectNotFound: the index does not have it.
        PackageIndexError: the index failed.
    """
    releases(inputs, key)
    choice = inputs.candidates.choose(key, specifier, prereleases=prereleases, local=local)
    if choice.candidate is None and must_exist:
        asked = f" that satisfies {specifier}" if specifier else ""
        hints = [hint_at_unseen(inputs)]
        if not hints[0]:
            hints = [_hint_at_suiting(inputs, key, name or project_of(key), local)]
            hints += [] if releases(inputs, key).allowed(specifier) else [hint_at_host(inputs)]
        raise NoCandidate(
            f"no version of {name or project_of(key)}{asked} suits {say_targets(inputs, key)}",
            reasons=_why_none(inputs, key, specifier, choice, local),
            hint="; ".join(filter(None, hints)),
        )
    return choice


def _hint_at_suiting(inputs: Inputs, key: Key, name: str, local: str | None) -> str:
    """Return the newest version that suits, whatever was asked for, or how to separate images."""
    choice = inputs.candidates.choose(key, SpecifierSet(), local=local)
    best = choice.candidate
    if best is not None:
        where = say_readers(inputs, inputs.partition.part_of(key))
        return f"{name} {best.version} is the newest version that suits {where}".rstrip()
    first, *others = inputs.partition.part_of(key)
    if not others:
        ways = (each.way for each in choice.rejections)
        return next(filter(None, ways), "change what rules these out")
    marker = separate(inputs, [first], others)
    if marker is None:
        return "give each of these images a requirements file of its own"
    word = as_one_word(f"{name}; {marker}".replace('"', "'"))
    where = inputs.readers[first].name
    return f"`add {word}` adds it for {where} alone; or give each image a file of its own"


def _why_none(
    inputs: Inputs, key: Key, specifier: SpecifierSet, choice: Choice, local: str | None
) -> tuple[str, ...]:
    """Return why no version of a project suits; not that others were not asked for."""
    there = inputs.candidates.releases(key)
    allowed = there.allowed(specifier)
    asked = [each for each in choice.rejections if there.bit(each.version) & allowed]
    if asked or not choice.rejections:
        return summarise(asked) or ("the index lists no usable file",)
    newest = next((each for each in there.all if each.local == local), there.all[0])
    where = say_readers(inputs, inputs.partition.part_of(key))
    return (f"there is no such version{where and f' for {where}'}; the newest is {newest}",)


def goal_to_add(inputs: Inputs, request: Request, *, prereleases: bool) -> Goal:
    """Return the goal of adding a new project; the inputs hold one version of it.

    Raises:
        ProjectNotFound: the index does not have it; the hint is at a similar name.
        NoCandidate: no version suits by itself.
    """
    requirement = request.requirement
    specifier = requirement.specifier
    readers = readers_of_new(inputs, requirement.marker)
    key = inputs.partition.key(request.name, readers[0])
    try:
        releases(inputs, key)
    except ProjectNotFound as error:
        from .names import near_needed

        near = "" if near_listed(inputs, request.name) else near_needed(inputs, request.name)
        raise (error.hinting(near) if near else error) from error.__cause__
    choice = choose(
        inputs, key, specifier, prereleases=prereleases, name=requirement.name, must_exist=True
    )
    root = Root(
        name=key,
        specifier=specifier,
        source=TYPED,
        shown=f"{requirement.name}{request.specifier}",
        extras=in_each(readers, requirement.extras),
        prereleases=prereleases,
    )
    return Goal(name=requirement.name, asked=specifier, root=root, choice=choice, readers=readers)


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
    names_label = any("+" in clause.version for clause in asked)  # ==2.12.0+cpu
    local = None if pin is None or names_label else pin.local
    key = key_of(inputs, line)
    try:
        choice = choose(
            inputs,
            key,
            asked,
            prereleases=prereleases,
            local=local,
            name=name,
            must_exist=must_exist,
        )
    except NoCandidate as error:
        way = _way_past_policy(inputs, line, typed, asked, prereleases=prereleases, local=local)
        raise (error.hinting(f"{error.hint}; {way}") if way else error) from None
    candidate = choice.candidate
    if pin is not None and pin.is_prerelease and candidate and candidate.version <= pin:
        choice = choose(inputs, key, asked, prereleases=True, local=local)
    standing = root_of(inputs, line)
    assert standing is not None
    specifier, shown = asked, f"{name}{asked}"
    if pin is not None and not asked:
        specifier = SpecifierSet(f">={pin.public}", prereleases=False)
        shown = f"{project_of(standing.name)} {pin} or newer"
    root = replace(
        standing,
        specifier=specifier,
        shown=shown,
        source=TYPED if typed else standing.source,
        prereleases=prereleases,
        local=local,
    )
    return Goal(
        name=name,
        asked=asked,
        typed=typed,
        root=root,
        choice=choice,
        line=line,
        readers=readers_of(inputs, line) or (0,),
    )


def _way_past_policy(
    inputs: Inputs,
    line: Line,
    typed: str,
    asked: SpecifierSet,
    *,
    prereleases: bool,
    local: str | None,
) -> str:
    """Return the command that takes what the upper bound of a line's policy keeps out, or nothing.

    What was typed has no upper bound of its own: that would take the policy's place.
    """
    kept = beside_caps(line)
    if kept is None:
        return ""
    key = key_of(inputs, line)
    free = inputs.within(inputs.limits.unbounded(key))
    best = free.candidates.choose(key, asked & kept, prereleases=prereleases, local=local).candidate
    if best is None:
        return ""
    word = capped(line.spelled_name, typed, best.version)
    return f"`upgrade {word}` also changes its policy to {cap_above(best.version)}"


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
    allowed, local = line.allowed_by_policy, line.pin.local
    best = choose(inputs, key_of(inputs, line), allowed, local=local).candidate
    return None if line.is_held else best


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
