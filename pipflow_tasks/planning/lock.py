"""``lock`` and ``unlock``: the lock in the files, a line for every transitive dependency.

Each locked line names what depends on it (``click==8.1.7  # via flask``), and so the files
themselves say that they are locked. A command that changes the requirements updates these lines.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ..requirements import Addition, change_via, write_via
from ..resolution import project_of
from ..resolution.finder import names_exactly
from .draft import Draft, add, hint, move, remove, warn
from .goals import choose
from .inputs import readers_of, reads, roots_of, say_picks
from .moving import digests, tell_held, warn_of
from .settling import settle_current
from .transitive import find_transitive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Key, Pick, Solution
    from .inputs import Inputs
    from .settlement import Settlement
    from .transitive import Origin, Transitive


NO_COMMENTS: Mapping[str, str] = MappingProxyType({})


def draft_lock(inputs: Inputs) -> Iterator[Draft]:
    """Write a line for every transitive dependency of the requirements.

    Raises:
        VersionConflict: the requirements conflict.
        NoCandidate: a requirement has no version that suits.
    """
    settlement = settle_current(inputs, waive=False)
    lines = find_transitive(settlement).lines
    yield from lock_all(settlement, lines)
    if not lines:
        yield hint("the requirements have no transitive dependencies: there is nothing to lock")


def lock_all(settlement: Settlement, lines: Iterable[Transitive]) -> Iterator[Draft]:
    """Write a line for every transitive dependency of settled requirements.

    Raises:
        RequirementsError: the files pin hashes, and the index does not have them.
    """
    yield from settlement.notices
    yield from _warn_of_unpinned(settlement.inputs)
    yield from _write_locked(settlement, lines)


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
    transitive = find_transitive(settlement, added=added, gone=gone).lines
    yield from _write_locked(settlement, transitive, comments)
    if not transitive and len(settlement.numbers) == len(inputs.readers):
        yield hint("no transitive dependencies are left, so the file is no longer locked")
    for new in transitive:
        if new.name in gone:
            yield hint(f"{new.name} stays as a locked line: {say_need(new.parents)} it")
    for new in transitive:
        if new.candidate is not None and (telling is None or new.name in telling):
            choice = choose(inputs, new.key, SpecifierSet())
            version = new.candidate.version
            yield from tell_held(settlement, new.name, new.key, version, choice)


def _write_locked(
    settlement: Settlement,
    transitive: Iterable[Transitive],
    changed: Mapping[str, str] = NO_COMMENTS,
) -> Iterator[Draft]:
    """Write a line for each transitive dependency, and remove every other locked line.

    Raises:
        RequirementsError: the files pin hashes, and the index does not have them.
    """
    inputs = settlement.inputs
    manifest = inputs.manifest
    for project, shown in find_unknown(inputs, settlement.solution):
        yield warn(
            f"the dependencies of {shown} are unknown and not locked; "
            f"lines with `# via {project}` stay"
        )
    left = [*transitive]
    foreign = _find_foreign(settlement, left)
    comments: dict[NormalizedName, str] = {}
    for line in manifest.locked:
        assert line.name is not None
        readers = {*readers_of(inputs, line)}
        if not readers:
            if line.place not in foreign:
                yield remove([line])
            continue
        if readers.isdisjoint(settlement.numbers):
            continue
        comments[line.name] = line.comment
        mine = (each for each in left if each.name == line.name and {*each.readers} == readers)
        new = next(mine, None)
        lacks_hash = manifest.uses_hashes and not line.option_values("--hash")
        if new is None or new.version is None or (lacks_hash and new.candidate is not None):
            yield remove([line])  # what stays in ``left`` is written anew, with its hashes
        else:
            left.remove(new)
            yield from _follow(inputs, line, new, changed.get(line.place, ""))
    for new in left:
        yield from _add_locked(inputs, new, comments.get(new.name, ""))


def _find_foreign(settlement: Settlement, transitive: Iterable[Transitive]) -> set[str]:
    """Return the places of the locked lines for other platforms of which a parent is there."""
    inputs = settlement.inputs
    unread = [line for line in inputs.manifest.lines if not reads(inputs, line)]
    locked = [line for line in unread if line in inputs.manifest.locked]
    there = {project_of(root.name) for root in settlement.roots}
    there |= {new.name for new in transitive}
    there |= {line.name for line in unread if line.name is not None and line not in locked}
    kept: set[str] = set()
    while new := [each for each in locked if each.place not in kept and there & {*each.via}]:
        kept |= {line.place for line in new}
        there |= {line.name for line in new if line.name is not None}
    return kept


def _follow(inputs: Inputs, line: Line, new: Transitive, changed: str) -> Iterator[Draft]:
    """Update the version of a locked line, its changed comment, and the projects that it names.

    It goes on to name those of files that the command is not for.
    """
    version = new.version
    assert version is not None
    elsewhere = inputs.manifest.elsewhere.intersection(line.via)
    parents = tuple(sorted({*new.parents, *elsewhere}))
    is_like = {*line.via} == {*parents}
    new_comment = change_via(changed or line.comment, parents)
    comment = None if new_comment == line.comment else new_comment
    if version != line.pin:
        hashes = digests(inputs, new.key, version, like=line)
        yield move(line, version, digests=hashes, comment=comment)
        if new.candidate is not None:
            yield from warn_of(inputs, new.name, new.key, new.candidate)
    elif comment is not None:
        yield move(line, version, comment=comment)
    if version == line.pin and not is_like:
        yield hint(
            f"`# via {', '.join(parents)}` becomes the comment of {line.spelled_name} "
            f"({line.place})"
        )


def _add_locked(inputs: Inputs, new: Transitive, comment: str) -> Iterator[Draft]:
    """Write a line for a transitive dependency, with the comment that it had before."""
    candidate = new.candidate
    if candidate is None:
        yield warn(f"{say_need(new.parents)} {new.name} from an address: it has no locked line")
        return
    kept = comment.lstrip("# ")
    yield from warn_of(inputs, new.name, new.key, candidate)
    requirement = Requirement(f"{new.name}; {new.marker}" if new.marker else new.name)
    written = Addition(
        requirement=requirement,
        digests=digests(inputs, new.key, candidate.version),
        comment=change_via(f"# {kept}", new.parents)[2:] if comment else write_via(new.parents),
        group=new.origin.group,
        near=new.origin.name,
        sort="insert",
    )
    yield add(new.origin.path, candidate.version, written)


def find_unknown(inputs: Inputs, solution: Solution) -> list[tuple[NormalizedName, str]]:
    """Return the projects with unknown dependencies that no locked line names, with their picks."""
    told = {parent for line in inputs.manifest.lines for parent in line.via}
    found: dict[NormalizedName, list[Pick]] = {}
    for pick in solution.picks.values():
        is_named = pick.candidate is None or pick.project in told
        if not is_named and inputs.candidates.is_unknown(pick):
            found.setdefault(pick.project, []).append(pick)
    return [
        (project, shown) for project, picks in found.items() for shown in say_picks(inputs, picks)
    ]


def say_need(parents: Iterable[str], *, still: bool = False) -> str:
    """Return the start of a sentence: ``flask needs``, ``flask and rich (still) need``."""
    names = list(dict.fromkeys(parents))
    adverb = " still" if still else ""
    return f"{' and '.join(names)}{adverb} need{'s' if len(names) == 1 else ''}"


def tell_unhashed(settlement: Settlement, names: Collection[Key]) -> Iterator[Draft]:
    """Report the dependencies of projects that the files do not pin with a hash."""
    inputs = settlement.inputs
    if inputs.skips_dependencies:
        return
    if not inputs.resolves:
        yield warn("pip will want a hash for every dependency, too; `lock` writes them")
        return
    there = {line.name for line in inputs.manifest.lines}
    reached = list(names)
    for name in reached:  # it grows on the way
        pick = settlement.solution.picks.get(name)
        dependencies = inputs.candidates.dependencies(pick) if pick is not None else ()
        reached.extend(each.name for each in dependencies if each.name not in reached)
    new = (project_of(name) for name in reached if name not in names)
    if missing := sorted({name for name in new if name not in there}):
        yield warn(
            "the file pins hashes, so pip will want one for every dependency; "
            f"missing: {', '.join(missing)}; run `lock`, which writes them"
        )
