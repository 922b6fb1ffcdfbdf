"""The lock in the files: a line for every transitive dependency of the requirements.

Each locked line names what depends on it (``click==8.1.7  # via flask``), and so the files
themselves say that they are locked. A command that changes the requirements updates these lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ..requirements import change_via, write_via
from ..resolution.finder import names_exactly
from .choosing import choose, digests
from .draft import Draft, add, hint, join, move, remove, warn, warn_of
from .held import tell_held
from .inputs import roots_of

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


def find_origins(inputs: Inputs) -> list[Origin]:
    """Return the requirements that count for the target, those of included files first.

    An included file is also installed on its own, so what both files depend on is written there.
    The dependencies of a fetched file are written into the main file.
    """
    manifest = inputs.manifest
    counts = {root.place for root in roots_of(inputs)}
    lines = [line for line in manifest.direct if line.place in counts]
    lines.sort(key=lambda line: manifest.innermost.index(line.path))
    fetched = [
        Origin(name=line.name, path=manifest.main)
        for line in manifest.siblings
        if line.path in manifest.fetched and line.place in counts and line.name is not None
    ]
    origins = [Origin(name=line.name, path=line.path) for line in lines if line.name is not None]
    return [*origins, *fetched]


def find_transitive(
    origins: Sequence[Origin], settlement: Settlement
) -> dict[NormalizedName, Transitive]:
    """Return the transitive dependencies of origins, by name, in the order of names.

    Where the dependencies of a project are unknown, the locked lines that name it count.
    Dependencies that conflict count, too.
    """
    solution = settlement.solution
    lines = {line.name: line for line in settlement.inputs.manifest.locked if line.name is not None}
    children = _find_children(settlement, lines)
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


def _find_children(
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
    inputs: Inputs,
    settlement: Settlement | None,
    *,
    origins: Sequence[Origin] = (),
    gone: Collection[NormalizedName] = (),
) -> Draft:
    """Update the locked lines, where the files are locked.

    Args:
        inputs: the inputs of the command.
        settlement: the versions; without one, the locked lines stay as they are.
        origins: direct requirements that are added.
        gone: projects that are removed.
    """
    if not inputs.manifest.is_locked:
        return Draft()
    if settlement is None:
        return warn("the transitive dependencies were not resolved; run `lock`")
    there = [origin for origin in find_origins(inputs) if origin.name not in gone]
    transitive = find_transitive([*there, *origins], settlement)
    told: list[Draft] = []
    if not transitive:
        told.append(hint("no transitive dependencies are left, so the file is no longer locked"))
    for name in gone:
        if name in transitive:
            who = say_need(transitive[name].parents)
            told.append(hint(f"{name} stays as a locked line: {who} it"))
    return join([write_locked(settlement, transitive), *told])


def tell_held_locked(settlement: Settlement, only: Collection[NormalizedName] = ()) -> Draft:
    """Report the locked lines that are held below their newest version.

    Args:
        settlement: the versions.
        only: the projects to report; all, where there are none.
    """
    inputs = settlement.inputs
    if not inputs.manifest.is_locked:
        return Draft()
    transitive = find_transitive(find_origins(inputs), settlement)
    return join(
        tell_held(
            inputs, name, new.candidate.version, choose(inputs, name, SpecifierSet()), settlement
        )
        for name, new in transitive.items()
        if new.candidate is not None and (not only or name in only)
    )


def write_locked(settlement: Settlement, transitive: Mapping[NormalizedName, Transitive]) -> Draft:
    """Write a line for each transitive dependency, and remove every other locked line.

    Raises:
        RequirementsError: the files pin hashes, and the index does not have them.
    """
    inputs = settlement.inputs
    parts = [
        warn(
            f"the dependencies of {pick} are unknown and not locked; "
            f"lines with `# via {pick.name}` stay"
        )
        for pick in find_unknown(inputs, settlement.solution)
    ]
    left = dict(transitive)
    for line in inputs.manifest.locked:
        assert line.name is not None
        new = left.pop(line.name, None)
        if new is None:
            parts.append(remove([line]))
        elif new.version is None or _lacks_hash(inputs, line, new):
            left[line.name] = new  # told, or written anew with its hashes, below
            parts.append(remove([line]))
        else:
            parts.append(_follow(inputs, line, new, new.version))
    comments = {line.name: line.comment for line in inputs.manifest.locked}
    parts += [_add_locked(inputs, name, new, comments.get(name, "")) for name, new in left.items()]
    return join(parts)


def _lacks_hash(inputs: Inputs, line: Line, new: Transitive) -> bool:
    lacks = inputs.manifest.uses_hashes and not line.option_values("--hash")
    return lacks and new.candidate is not None


def _follow(inputs: Inputs, line: Line, new: Transitive, version: Version) -> Draft:
    """Update the version of a locked line, and the projects that it names."""
    assert line.name is not None
    digests_of_it: tuple[str, ...] = ()
    if version != line.pin and line.option_values("--hash"):
        digests_of_it = digests(inputs, line.name, version, like=line)
    is_like = line.via == new.parents
    comment = None if is_like else change_via(line.comment, new.parents)
    parts: list[Draft] = []
    if version != line.pin or not is_like:
        parts.append(move(line, version, digests=digests_of_it, comment=comment))
    if version == line.pin and not is_like:
        told = ", ".join(new.parents)
        parts.append(hint(f"{line.spelled_name} ({line.place}) is via {told} now"))
    if version != line.pin and new.candidate is not None:
        parts.append(warn_of(line.name, new.candidate, inputs.target))
    return join(parts)


def _add_locked(inputs: Inputs, name: NormalizedName, new: Transitive, comment: str) -> Draft:
    """Write a line for a transitive dependency, with the comment that it had before."""
    candidate = new.candidate
    if candidate is None:
        who = say_need(new.parents)
        return warn(f"{who} {name} from an address: it has no locked line")
    kept = comment.lstrip("# ")
    version = candidate.version
    added = add(
        Requirement(name),
        version,
        path=new.origin.path,
        digests=digests(inputs, name, version) if inputs.manifest.uses_hashes else (),
        comment=change_via(f"# {kept}", new.parents)[2:] if comment else write_via(new.parents),
        group=new.origin.group,
        near=new.origin.name,
        sort="insert",
    )
    return join([warn_of(name, candidate, inputs.target), added])


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


def find_asking(
    line: Line, manifest: Manifest, solution: Solution | None
) -> tuple[NormalizedName, ...]:
    """Return the direct requirements that a locked line comes from.

    Without a solution only the locked lines count.
    """
    via = {each.name: set(each.via) for each in manifest.locked}
    for name, causes in solution.causes.items() if solution is not None else ():
        parents = {cause.parent.name for cause in causes if cause.parent is not None}
        via.setdefault(name, set()).update(parents)
    asking = [*line.via]
    for name in asking:  # it grows on the way
        asking.extend(sorted(via.get(name, set()).difference(asking, {line.name})))
    direct = {each.name for each in manifest.direct}
    return tuple(name for name in asking if name in direct)


def name_open_ends(inputs: Inputs) -> Iterator[str]:
    """Yield a warning for each requirement of a locked file that is not pinned."""
    places = {root.place for root in roots_of(inputs) if root.pin is None}
    for line in inputs.manifest.direct:
        requirement = line.requirement
        if requirement is None or requirement.url or names_exactly(requirement.specifier):
            continue
        if line.place in places:
            yield (
                f"{line.spelled_name} ({line.place}) is not pinned: each build takes the newest "
                f"version; `upgrade {line.spelled_name}` pins it"
            )
