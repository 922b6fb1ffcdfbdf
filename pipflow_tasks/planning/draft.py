"""Drafts: the parts of a plan, with edits and reports, and the plan that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..errors import PackageIndexError, RequirementsError
from ..plan import Change, Cost, Edit, Held, LeftAlone, Plan, PlannedFor
from ..requirements import Addition, Pin, RequirementsFile
from ..values import join_words, without_credentials
from .compiling import way_to_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..manifest.documents import Manifest
    from ..manifest.library import LocalFile
    from ..plan import Explanation, PathStep
    from ..requirements import Generator, Line
    from ..resolution.finder import Candidate
    from ..target import Target

_About = TypeVar("_About", Change, Held)


class PlannedAddition(Struct, frozen=True, kw_only=True):
    """A pin that a file does not have yet, and how it is written there."""

    path: str
    version: Version
    written: Addition


class Undated(Struct, frozen=True, kw_only=True):
    """A release whose age counts and is unknown (``flask 3.0``), and the indexes that have it."""

    release: str
    indexes: tuple[str, ...]


class Draft(Struct, frozen=True, kw_only=True):
    """A part of a plan: edits and reports. Commands yield them in the order of the report.

    A pin gives a line another version, comment or extras; the other edits are lines to remove and
    to add. ``from_image`` are the places of lines whose pin is the version that the image has.
    ``costs`` to ``hints`` are as in ``Plan``. ``undated`` are releases that can't be taken. The
    others go with a target: ``turning`` says what turns on the patch
    level that is assumed of its Python (``flake8 6.0 needs Python >=3.8.1``), ``wheels`` are
    releases that are built although there is a wheel, with the tag of a wheel that its pip is too
    old for, and ``newer_wheels`` are those whose wheel needs the C library that is assumed.
    """

    pins: tuple[Pin, ...] = ()
    from_image: tuple[str, ...] = ()
    removals: tuple[Line, ...] = ()
    additions: tuple[PlannedAddition, ...] = ()
    costs: tuple[Cost, ...] = ()
    held: tuple[Held, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    paths: tuple[tuple[PathStep, ...], ...] = ()
    explanations: tuple[Explanation, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    from_source: tuple[tuple[str, str], ...] = ()
    together: tuple[tuple[NormalizedName, ...], ...] = ()
    undated: tuple[Undated, ...] = ()
    turning: tuple[tuple[Target, str], ...] = ()
    wheels: tuple[tuple[Target, str, str], ...] = ()
    newer_wheels: tuple[tuple[Target, str, str], ...] = ()


def _join(parts: Iterable[Draft]) -> Draft:
    drafts = list(parts)
    return Draft(
        **{
            field: tuple(each for draft in drafts for each in getattr(draft, field))
            for field in Draft.__struct_fields__
        }
    )


def add(path: str, version: Version, written: Addition) -> Draft:
    """Write a new pin into a file of the manifest: what was asked for, at a version."""
    pinned = Requirement(str(written.requirement))
    pinned.specifier = SpecifierSet(f"=={version}")
    written = replace(written, requirement=pinned)
    return Draft(additions=(PlannedAddition(path=path, version=version, written=written),))


def move(
    line: Line,
    version: Version,
    *,
    digests: Sequence[str] = (),
    comment: str | None = None,
    extras: tuple[str, ...] = (),
) -> Draft:
    """Pin a line to another version, or change its comment or its extras; see ``Pin``."""
    pin = Pin(line=line, version=version, digests=digests, comment=comment, extras=extras)
    return Draft(pins=(pin,))


def remove(lines: Iterable[Line]) -> Draft:
    """Take lines out."""
    return Draft(removals=tuple(lines))


def leave(line: Line, reason: str) -> Draft:
    """Report a line that is not considered."""
    left = LeftAlone(requirement=line.shown, file=line.path, line=line.number, reason=reason)
    return Draft(left_alone=(left,))


def warn(*warnings: str) -> Draft:
    """Report what the user should know before trusting the result."""
    return Draft(warnings=warnings)


def hint(*hints: str) -> Draft:
    """Report what else the user may want to know or to do."""
    return Draft(hints=hints)


def note_files(project: str, candidate: Candidate, target: Target) -> Iterator[Draft]:
    """Note what counts for several releases together, of the files of one in an environment.

    The image builds it since its pip is too old for the wheel; its wheel needs the C library that
    is assumed; or it turns on the patch level of the image's Python.
    """
    release = f"{canonicalize_name(project)} {candidate.version}"
    python = candidate.files[0].requires_python
    if python is not None and target.turns_on_patch(python):
        yield Draft(turning=((target, f"{release} needs Python {python}"),))
    if candidate.files[0].is_wheel and (tag := target.relies_on_libc(candidate.files[0].tags)):
        yield Draft(newer_wheels=((target, release, tag),))
    if candidate.from_source:
        wheels = (file for file in candidate.files if file.is_wheel)
        tag = next(filter(None, (target.wants_newer_pip(file.tags) for file in wheels)), "")
        if tag:
            yield Draft(wheels=((target, release, tag),))


def finish(
    parts: Iterable[Draft],
    command: str,
    manifest: Manifest,
    *,
    environments: tuple[PlannedFor, ...],
    reading: Callable[[Line], tuple[str, ...]],
    force: bool,
    asked: Sequence[str] = (),
) -> Plan:
    """Return the plan of a command; repeated warnings and hints are reported once.

    ``reading`` names the environments that a line counts for. ``force`` edits also a file that
    another tool has written; ``asked`` are the requirements that were typed.

    Raises:
        RequirementsError: such a file would change, and ``force`` is not given.
        PackageIndexError: the age of a release counts, and no index says it.
    """
    draft = _join(parts)
    _require_dates(draft.undated)
    target = environments[0].target if environments else None
    contents = {path: _content(draft, manifest, path) for path in manifest.requirements}

    def say_way(generator: Generator) -> str:
        moved = asked if command in {"upgrade", "upgrade-all"} else None
        return way_to_change(generator, target, moved)

    edits = (
        _edit(command, manifest.requirements[path], content, None if force else say_way)
        for path, content in contents.items()
    )
    held = _by_project(draft.held)
    changes = [
        _with_limit(change, held.get(_name_of(change), ()))
        for change in _changes(draft, contents, reading)
    ]
    moved = _by_project(changes)
    return Plan(
        command=command,
        environments=environments,
        edits=tuple(edit for edit in edits if edit is not None),
        changes=tuple(changes),
        costs=draft.costs,
        held=tuple(
            replace(each, written=_written_name(manifest, each))
            for each in draft.held
            if not any(_is_about(each, change) for change in moved.get(_name_of(each), ()))
        ),
        together=draft.together,
        left_alone=draft.left_alone,
        paths=draft.paths,
        explanations=draft.explanations,
        warnings=tuple(dict.fromkeys((*draft.warnings, *_last_warnings(draft)))),
        hints=tuple(dict.fromkeys((*draft.hints, *_tell_sorted(draft, manifest, contents)))),
        from_source=tuple(dict.fromkeys(draft.from_source)),
        leads_back=_leads_back(draft, manifest, contents, command),
    )


def _written_name(manifest: Manifest, held: Held) -> str:
    """Return a held project with the extras of its line, where all of its lines have the same."""
    names = {line.written_name for line in manifest.find(_name_of(held))}
    return names.pop() if len(names) == 1 else ""


def _leads_back(
    draft: Draft, manifest: Manifest, contents: Mapping[str, RequirementsFile], command: str
) -> bool:
    """Return whether the tasks that take edits back give the files their former bytes.

    They would touch every line of a project, and write into the main file alone. Locked lines that
    moved or went may come back at other versions, and a line with others of a version's hashes.
    """
    if command == "lock":
        return not manifest.locked
    via = {pin.line.place for pin in draft.pins if pin.line.via and pin.version == pin.line.pin}
    pins = [pin for pin in draft.pins if pin.line.place not in via]
    touched = {line.place for line in (*draft.removals, *(pin.line for pin in pins))}
    names = {
        *(canonicalize_name(each.written.requirement.name) for each in draft.additions),
        *(line.name for line in (*draft.removals, *(pin.line for pin in pins))),
    }
    return (
        not any(line.name in names and line.place not in touched for line in manifest.lines)
        and not any(pin.line.via or pin.digests or pin.comment is not None for pin in pins)
        and _is_added_alike(draft, manifest, contents)
        and (bool(draft.removals) or _is_only_more(draft, manifest, contents))
    )


def _is_added_alike(
    draft: Draft, manifest: Manifest, contents: Mapping[str, RequirementsFile]
) -> bool:
    """Return whether ``add`` would write the removed lines where they were, and as they were."""
    main = manifest.main
    if not draft.removals:
        return True
    if any(line.path != main or line.pin is None for line in draft.removals):
        return False
    again = [
        Addition(requirement=Requirement(f"{line.spelled_name}=={line.pin}"))
        for line in draft.removals
    ]
    pins = (pin for pin in draft.pins if pin.line.path == main)
    before = manifest.requirements[main].content.with_pins(pins)
    return contents[main].with_requirements(again).to_bytes() == before.to_bytes()


def _is_only_more(
    draft: Draft, manifest: Manifest, contents: Mapping[str, RequirementsFile]
) -> bool:
    """Return whether files are as before but for new lines, which are removed again, and pins."""
    for path, content in contents.items():
        names = {
            canonicalize_name(each.written.requirement.name)
            for each in draft.additions
            if each.path == path
        }
        if not names:
            continue
        before = manifest.requirements[path].content
        pinned = before.with_pins(pin for pin in draft.pins if pin.line.path == path)
        left = content.without([line for line in content.lines if line.name in names])
        if left.to_bytes() != pinned.to_bytes():
            return False
    return True


def _require_dates(undated: Iterable[Undated]) -> None:
    """Raise PackageIndexError where the age of releases counts and is unknown."""
    releases = dict.fromkeys(each.release for each in undated)
    if not releases:
        return
    indexes = dict.fromkeys(index for each in undated for index in each.indexes)
    names = ", ".join(release.rpartition(" ")[0] for release in releases)
    plain = dict.fromkeys(map(without_credentials, indexes))
    raise PackageIndexError(
        f"{join_words([*indexes]) or 'the index'} {'do' if len(indexes) > 1 else 'does'} not say "
        f"when {join_words([*releases])} {'were' if len(releases) > 1 else 'was'} uploaded, and "
        "the setting cooldown_days needs to know",
        url=next(iter(indexes), ""),
        hint=f'the setting `cooldown_exempt: "{names}"` exempts them'
        + (f', `cooldown_exempt: "{", ".join(plain)}"` all of the index' if plain else ""),
    )


def _by_project(values: Iterable[_About]) -> dict[NormalizedName, list[_About]]:
    found: dict[NormalizedName, list[_About]] = {}
    for each in values:
        found.setdefault(_name_of(each), []).append(each)
    return found


def _name_of(value: Change | Held) -> NormalizedName:
    return canonicalize_name(value.project)


def _with_limit(change: Change, held: Iterable[Held]) -> Change:
    """Return a change with the reason why its project does not get its newest version."""
    for each in held:
        if _is_about(each, change):
            return replace(change, newest=each.newest, reason=each.reason)
    return change


def _is_about(held: Held, change: Change) -> bool:
    """Return whether the project of both moves to the version at which it is held."""
    is_there = {*held.environments} & {*change.environments} or not change.environments
    return held.version == change.after and bool(is_there)


def _last_warnings(draft: Draft) -> Iterator[str]:
    """Yield the warnings about several releases together."""
    by_pip: dict[str, dict[str, str]] = {}
    for target, name, tag in draft.wheels:
        if target.pip is not None:
            by_pip.setdefault(f"{target.pip.major}.{target.pip.minor}", {})[name] = tag
    for pip, wheels in by_pip.items():
        shown = ", ".join(f"{name} ({tag})" for name, tag in wheels.items())
        many = len(wheels) > 1
        yield (
            f"pip {pip} of the image is too old for the wheel"
            f"{'s' if many else ''} of {shown}, so {'they are' if many else 'it is'} built from "
            "source; upgrade pip before the install step"
        )


def _content(draft: Draft, manifest: Manifest, path: str) -> RequirementsFile:
    """Return a file as the plan leaves it."""
    before = manifest.requirements[path].content
    content = before.with_pins(pin for pin in draft.pins if pin.line.path == path)
    numbers = {line.number for line in draft.removals if line.path == path}
    # moved pins may shift the numbers, not the order
    gone = [
        new for old, new in zip(before.lines, content.lines, strict=True) if old.number in numbers
    ]
    if gone:
        content = content.without(gone)
    written = [each.written for each in draft.additions if each.path == path]
    return content.with_requirements(written) if written else content


def _tell_sorted(
    draft: Draft, manifest: Manifest, contents: Mapping[str, RequirementsFile]
) -> Iterator[str]:
    """Yield how many lines move because a block that gets a line was not sorted."""
    for path in dict.fromkeys(each.path for each in draft.additions):
        number = contents[path].count_moved_since(manifest.requirements[path].content)
        if number:
            lines = "1 other line" if number == 1 else f"{number} other lines"
            yield (
                f"{lines} of {path} {'moves' if number == 1 else 'move'}, since the block was not "
                "sorted; the setting `sort: insert` moves none"
            )


def _edit(
    command: str,
    file: LocalFile,
    content: RequirementsFile,
    say_way: Callable[[Generator], str] | None,
) -> Edit | None:
    """Return the edit of a file; ``say_way`` refuses one that another tool has written."""
    path = content.path
    if content.to_bytes() == (file.before or b""):
        return None
    generator = file.generator
    if generator is not None and say_way is not None:
        source = generator.source
        forced = "" if command == "lock" else ", or edit it anyway with --force"
        raise RequirementsError(
            f"it was written by {generator.tool}{f' from {source}' if source else ''}, "
            "which would overwrite an edit",
            path=path,
            hint=f"{say_way(generator)}{forced}",
        )
    return edit_of(file, content)


def edit_of(file: LocalFile, content: RequirementsFile) -> Edit:
    """Return the edit that gives a file another content."""
    written = RequirementsFile.from_bytes(file.before or b"", path=file.path)  # it may start anew
    return Edit(
        path=file.file,
        shown=content.path,
        before=file.before,
        after=content.to_bytes(),
        is_silent=file.before is not None and _is_read_alike(written, content),
    )


def _is_read_alike(one: RequirementsFile, other: RequirementsFile) -> bool:
    """Return whether an installer reads the same in two files, in whatever order."""

    def read(content: RequirementsFile) -> list[str]:
        return sorted(filter(None, (line.content for line in content.lines)))

    return read(one) == read(other)


def _changes(
    draft: Draft,
    contents: Mapping[str, RequirementsFile],
    reading: Callable[[Line], tuple[str, ...]],
) -> Iterator[Change]:
    """Yield the changes; lines are numbered as the new file has them.

    A line that takes the place of another one of its project is one change.
    """
    told: set[str] = set()
    gone: set[str] = set()

    def find(path: str, requirement: Requirement, version: Version) -> Line:
        for line in contents[path].find(requirement.name):
            is_same = line.pin == version and line.marker == requirement.marker
            if is_same and line.place not in told:
                told.add(line.place)
                return line
        raise AssertionError(f"{requirement.name} {version} is not in {path}")

    for addition in draft.additions:
        new = find(addition.path, addition.written.requirement, addition.version)
        old = [line for line in _replaced(draft, addition) if line.place not in gone]
        gone.update(line.place for line in old)
        change = change_of(new, old[0].pin if old else None, addition.version, reading(new))
        note = _tell_rewritten(old[0], new) if old else ""
        yield replace(change, is_new=not old, note=note)
    for pin in draft.pins:
        line = pin.line
        if pin.version == line.pin and not pin.extras:  # its comment changes, no more
            continue
        assert line.requirement is not None
        new = find(line.path, line.requirement, pin.version)
        change = change_of(new, line.pin, pin.version, reading(new))
        origin = "image" if line.place in draft.from_image else "index"
        yield replace(change, extras=pin.extras, taken_from=None if line.pin else origin)
    for line in (line for line in draft.removals if line.place not in gone):
        yield change_of(line, line.pin, None, reading(line))


def change_of(
    line: Line,
    before: Version | None,
    after: Version | None,
    environments: tuple[str, ...] = (),
) -> Change:
    """Return that the project of a line goes from one version to another."""
    return Change(
        project=line.spelled_name,
        written=line.written_name,
        before=before,
        after=after,
        file=line.path,
        line=line.number,
        is_direct=not line.via,
        environments=environments,
    )


def _replaced(draft: Draft, addition: PlannedAddition) -> list[Line]:
    """Return the lines that an addition takes the place of: of its version, else the first."""
    name = canonicalize_name(addition.written.requirement.name)
    lines = [
        line
        for line in draft.removals
        if (line.name, line.path) == (name, addition.path) and line.pin is not None
    ]
    return [line for line in lines if line.pin == addition.version] or lines[:1]


def _tell_rewritten(old: Line, new: Line) -> str:
    """Return what becomes of a line besides its version, as the end of a sentence."""
    if old.marker == new.marker:
        return "with its hashes" if old.pin == new.pin else ""
    before = f"no longer only where {old.marker}"
    if new.marker is None:
        return f"everywhere, {before}"
    return f"only where {new.marker}" + (f", {before}" if old.marker is not None else "")
