"""``lock`` and ``unlock``: the lock in the files, a line for every transitive dependency.

Each locked line names what depends on it (``click==8.1.7  # via flask``), and so the files
themselves say that they are locked. A command that changes the requirements updates these lines.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ..requirements import Addition, change_via, write_via
from ..resolution.finder import names_exactly
from .draft import Draft, add, hint, move, remove, warn, warn_of
from .goals import choose
from .inputs import reads, roots_of
from .moving import digests, tell_held
from .settling import settle_current

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Pick, Solution
    from ..resolution.finder import Candidate
    from .inputs import Inputs
    from .settling import Settlement


NO_COMMENTS: Mapping[str, str] = MappingProxyType({})


class Origin(Struct, frozen=True, kw_only=True):
    """A direct requirement: its transitive dependencies are written into its block.

    Attributes:
        name: the project.
        path: the file that has it, or will have it.
        group: the heading of the block that it is added to, where one was named.
    """

    name: NormalizedName
    path: str
    group: str | None = None


class Transitive(Struct, frozen=True, kw_only=True):
    """A transitive dependency.

    Attributes:
        version: its version; None for an address.
        candidate: None where only its locked line is known.
        parents: the projects that depend on it.
        origin: the first direct requirement that it comes from.
    """

    version: Version | None
    candidate: Candidate | None
    parents: tuple[NormalizedName, ...]
    origin: Origin


def draft_lock(inputs: Inputs) -> Iterator[Draft]:
    """Write a line for every transitive dependency of the requirements.

    Raises:
        VersionConflict: the requirements conflict.
        NoCandidate: a requirement has no version that suits.
    """
    settlement = settle_current(inputs, waive=False)
    yield from lock_all(settlement)
    if not find_transitive(settlement):
        yield hint("the requirements have no transitive dependencies: there is nothing to lock")


def lock_all(settlement: Settlement) -> Iterator[Draft]:
    """Write a line for every transitive dependency of settled requirements, if there are any.

    Raises:
        RequirementsError: the files pin hashes, and the index does not have them.
    """
    yield from settlement.notices
    yield from _warn_of_unpinned(settlement.inputs)
    yield from _write_locked(settlement, find_transitive(settlement))


def draft_unlock(manifest: Manifest) -> Iterator[Draft]:
    """Remove the locked lines."""
    yield remove(manifest.locked)
    if not manifest.is_locked:
        yield hint("the file is not locked: it has no line with `# via`")


def _warn_of_unpinned(inputs: Inputs) -> Iterator[Draft]:
    places = {root.place for root in roots_of(inputs) if root.pin is None}
    for line in inputs.manifest.direct:
        requirement = line.requirement
        if requirement is None or requirement.url or names_exactly(requirement.specifier):
            continue
        if line.place in places:
            yield warn(
                f"{line.spelled_name} ({line.place}) is not pinned: each build takes the newest "
                f"version; `pin {line.spelled_name}` pins it"
            )


def _find_origins(inputs: Inputs) -> Iterator[Origin]:
    """Yield the requirements that count for the target, those of included files first.

    An included file is also installed on its own, so what both files depend on is written there.
    The dependencies of a fetched file are written into the main file.
    """
    manifest = inputs.manifest
    counts = {root.place for root in roots_of(inputs)}
    direct = [line for line in manifest.direct if line.place in counts]
    for line in sorted(direct, key=lambda line: manifest.innermost.index(line.path)):
        if line.name is not None:
            yield Origin(name=line.name, path=line.path)
    for line in manifest.siblings:
        if line.path in manifest.fetched and line.place in counts and line.name is not None:
            yield Origin(name=line.name, path=manifest.main)


def find_transitive(
    settlement: Settlement,
    *,
    added: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
) -> dict[NormalizedName, Transitive]:
    """Return the transitive dependencies of the requirements, in the order of names.

    ``added`` are requirements that the files do not have yet, ``gone`` projects that they lose.
    Where the dependencies of a project are unknown, the locked lines that name it count.
    Dependencies that conflict count, too.
    """
    solution, inputs = settlement.solution, settlement.inputs
    there = [each for each in _find_origins(inputs) if each.name not in gone]
    origins = [*there, *added]
    read = [line for line in inputs.manifest.locked if reads(inputs, line)]
    lines = {line.name: line for line in read if line.name is not None}
    children = find_children(settlement, lines)
    first: dict[NormalizedName, Origin] = {}
    for origin in origins:
        reached = [origin.name]
        for name in reached:  # it grows on the way
            if name not in first:
                first[name] = origin
                reached.extend(sorted(children.get(name, ())))
    parents: dict[NormalizedName, list[NormalizedName]] = {}
    for parent in sorted(first):
        for name in children.get(parent, ()):
            parents.setdefault(name, []).append(parent)
    transitive: dict[NormalizedName, Transitive] = {}
    for name in sorted(first.keys() - {origin.name for origin in origins}):
        pick = solution.picks.get(name)
        transitive[name] = Transitive(
            version=lines[name].pin if pick is None else pick.version,
            candidate=None if pick is None else pick.candidate,
            parents=tuple(parents[name]),
            origin=first[name],
        )
    return transitive


def find_children(
    settlement: Settlement, locked: Mapping[NormalizedName, Line]
) -> Mapping[NormalizedName, Collection[NormalizedName]]:
    """Return the dependencies of each project, from the solution and the locked lines."""
    solution = settlement.solution
    children: dict[NormalizedName, set[NormalizedName]] = {}
    for name, causes in solution.causes.items():
        for cause in causes:
            if cause.parent is not None and cause.parent.name != name:
                children.setdefault(cause.parent.name, set()).add(name)
    for parent, name in settlement.waived:
        if parent in solution.picks and name in solution.picks:
            children.setdefault(parent, set()).add(name)
    for name, line in locked.items():
        for parent in line.via:
            pick = solution.picks.get(parent)
            if pick is None or settlement.inputs.candidates.is_unknown(pick):
                children.setdefault(parent, set()).add(name)
    return children


def update_lock(
    settlement: Settlement,
    *,
    added: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
    telling: Collection[NormalizedName] | None = (),
    comments: Mapping[str, str] = NO_COMMENTS,
) -> Iterator[Draft]:
    """Update the locked lines, where the files are locked; see ``find_transitive``.

    ``telling`` are the projects to report that are held below their newest version; None for all.
    ``comments`` are new comments of locked lines, by their places.
    """
    inputs = settlement.inputs
    if not inputs.manifest.is_locked:
        return
    if not inputs.resolves:
        yield warn("the transitive dependencies were not resolved; run `lock`")
        return
    transitive = find_transitive(settlement, added=added, gone=gone)
    yield from _write_locked(settlement, transitive, comments)
    if not transitive:
        yield hint("no transitive dependencies are left, so the file is no longer locked")
    for name in gone:
        if name in transitive:
            who = say_need(transitive[name].parents)
            yield hint(f"{name} stays as a locked line: {who} it")
    for name, new in transitive.items():
        if new.candidate is not None and (telling is None or name in telling):
            choice = choose(inputs, name, SpecifierSet())
            yield from tell_held(settlement, name, new.candidate.version, choice)


def _write_locked(
    settlement: Settlement,
    transitive: Mapping[NormalizedName, Transitive],
    changed: Mapping[str, str] = NO_COMMENTS,
) -> Iterator[Draft]:
    """Write a line for each transitive dependency, and remove every other locked line.

    Raises:
        RequirementsError: the files pin hashes, and the index does not have them.
    """
    inputs = settlement.inputs
    manifest = inputs.manifest
    for pick in find_unknown(inputs, settlement.solution):
        yield warn(
            f"the dependencies of {pick} are unknown and not locked; "
            f"lines with `# via {pick.name}` stay"
        )
    left = dict(transitive)
    foreign = _find_foreign(settlement, transitive)
    comments: dict[NormalizedName, str] = {}
    for line in manifest.locked:
        assert line.name is not None
        if not reads(inputs, line):
            if line.place not in foreign:
                yield remove([line])
            continue
        comments[line.name] = line.comment
        left.pop(line.name, None)
        new = transitive.get(line.name)
        lacks_hash = manifest.uses_hashes and not line.option_values("--hash")
        if new is None:
            yield remove([line])
        elif new.version is None or (lacks_hash and new.candidate is not None):
            left[line.name] = new  # told, or written anew with its hashes, below
            yield remove([line])
        else:
            yield from _follow(inputs, line, new, changed.get(line.place, ""))
    for name, new in left.items():
        yield from _add_locked(inputs, name, new, comments.get(name, ""))


def _find_foreign(
    settlement: Settlement, transitive: Mapping[NormalizedName, Transitive]
) -> set[str]:
    """Return the places of the locked lines for other platforms of which a parent is there."""
    inputs = settlement.inputs
    unread = [line for line in inputs.manifest.lines if not reads(inputs, line)]
    locked = [line for line in unread if line in inputs.manifest.locked]
    there = {root.name for root in settlement.roots} | transitive.keys()
    there |= {line.name for line in unread if line.name is not None and line not in locked}
    kept: set[str] = set()
    while new := [each for each in locked if each.place not in kept and there & {*each.via}]:
        kept |= {line.place for line in new}
        there |= {line.name for line in new if line.name is not None}
    return kept


def _follow(inputs: Inputs, line: Line, new: Transitive, changed: str) -> Iterator[Draft]:
    """Update the version of a locked line, its changed comment, and the projects that it names."""
    version = new.version
    assert line.name is not None
    assert version is not None
    is_like = line.via == new.parents
    new_comment = change_via(changed or line.comment, new.parents)
    comment = None if new_comment == line.comment else new_comment
    if version != line.pin:
        hashes = digests(inputs, line.name, version, like=line)
        yield move(line, version, digests=hashes, comment=comment)
        if new.candidate is not None:
            yield from warn_of(line.name, new.candidate, inputs.target)
    elif comment is not None:
        yield move(line, version, comment=comment)
    if version == line.pin and not is_like:
        told = ", ".join(new.parents)
        yield hint(f"{line.spelled_name} ({line.place}) is via {told} now")


def _add_locked(
    inputs: Inputs, name: NormalizedName, new: Transitive, comment: str
) -> Iterator[Draft]:
    """Write a line for a transitive dependency, with the comment that it had before."""
    candidate = new.candidate
    if candidate is None:
        yield warn(f"{say_need(new.parents)} {name} from an address: it has no locked line")
        return
    kept = comment.lstrip("# ")
    yield from warn_of(name, candidate, inputs.target)
    written = Addition(
        requirement=Requirement(name),
        digests=digests(inputs, name, candidate.version),
        comment=change_via(f"# {kept}", new.parents)[2:] if comment else write_via(new.parents),
        group=new.origin.group,
        near=new.origin.name,
        sort="insert",
    )
    yield add(new.origin.path, candidate.version, written)


def find_unknown(inputs: Inputs, solution: Solution) -> list[Pick]:
    """Return the picks with unknown dependencies that no locked line names."""
    told = {parent for line in inputs.manifest.lines for parent in line.via}
    return [
        pick
        for name, pick in solution.picks.items()
        if pick.candidate is not None and name not in told and inputs.candidates.is_unknown(pick)
    ]


def say_need(parents: Iterable[str], *, still: bool = False) -> str:
    """Return the start of a sentence: ``flask needs``, ``flask and rich (still) need``."""
    names = list(dict.fromkeys(parents))
    adverb = " still" if still else ""
    return f"{' and '.join(names)}{adverb} need{'s' if len(names) == 1 else ''}"
