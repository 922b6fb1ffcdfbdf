"""The closure in the files: a line for everything that the requirements bring along.

``lock`` writes it, and from then on the lines themselves say that it is kept: each names what has
brought it along (``click==8.1.7  # via flask``). Whatever changes the requirements changes these
lines with them. ``unlock`` takes them out, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from ..requirements import change_via, write_via
from ..resolution.finder import names_exactly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Pick, Solution, Waiver
    from ..resolution.finder import Candidate
    from .draft import Draft
    from .lookup import Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A requirement of the user's own: what it brings along is written into its block.

    Attributes:
        name: the project.
        path: the file that it stands in, or will stand in.
        group: the heading of the block that it is added to, where one was named.
    """

    name: NormalizedName
    path: str
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitive:
    """A project that is brought along.

    Attributes:
        version: which; None where an address stands for it.
        candidate: what was found of it; None where only its line tells.
        parents: all that need it.
        root: the requirement that has brought it along first.
    """

    version: Version | None
    candidate: Candidate | None
    parents: tuple[NormalizedName, ...]
    origin: Origin


def find_origins(manifest: Manifest, lookup: Lookup) -> list[Origin]:
    """Return the requirements that count for the target, those of included files first.

    A file that another one includes is installed on its own, too: so what both bring along is
    written there. What a file that was fetched brings is written into the main file.
    """
    counts = {root.place for root in lookup.roots()}
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
    origins: Sequence[Origin],
    solution: Solution,
    manifest: Manifest,
    lookup: Lookup,
    waived: Iterable[Waiver] = (),
) -> dict[NormalizedName, Transitive]:
    """Return what the roots bring along, by name, in the order of names.

    What a project needs that is on no index, or that can't be known without building it, is taken
    from what the lines say of themselves. Needs that clash are needs all the same.
    """
    children: dict[NormalizedName, set[NormalizedName]] = {}
    for name, causes in solution.causes.items():
        for cause in causes:
            if cause.parent is not None and cause.parent.name != name:
                children.setdefault(cause.parent.name, set()).add(name)
    for parent, name in waived:
        if parent in solution.picks and name in solution.picks:
            children.setdefault(parent, set()).add(name)
    lines = {line.name: line for line in manifest.locked if line.name is not None}
    for name, line in lines.items():
        for parent in line.via:
            if not _is_known(parent, solution, lookup):
                children.setdefault(parent, set()).add(name)
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


def _is_known(name: NormalizedName, solution: Solution, lookup: Lookup) -> bool:
    """Tell whether it is known what a project needs."""
    pick = solution.picks.get(name)
    return pick is not None and not lookup.candidates.is_unknown(pick)


def write_locked(
    draft: Draft,
    manifest: Manifest,
    lookup: Lookup,
    transitive: Mapping[NormalizedName, Transitive],
) -> None:
    """Let the files have a line for each project that is brought along, and for no other.

    Raises:
        RequirementsError: the files pin hashes, and the index does not tell them.
    """
    left = dict(transitive)
    comments = {line.name: line.comment.lstrip("# ") for line in manifest.locked}
    for line in manifest.locked:
        assert line.name is not None
        new = left.pop(line.name, None)
        if new is not None and new.version is None:
            left[line.name] = new  # it is told below
        if new is None or new.version is None:
            draft.remove([line])
            continue
        version = new.version
        lacks_hash = manifest.uses_hashes and not line.option_values("--hash")
        if lacks_hash and new.candidate is not None:
            draft.remove([line])
            left[line.name] = new  # it is written anew, with its hashes
            continue
        digests: tuple[str, ...] = ()
        if version != line.pin and line.option_values("--hash"):
            digests = lookup.digests(line.name, version, like=line)
        is_like = line.via == new.parents
        comment = None if is_like else change_via(line.comment, new.parents)
        if version != line.pin or not is_like:
            draft.move(line, version, digests=digests, comment=comment)
        if version == line.pin and not is_like:
            told = ", ".join(new.parents)
            draft.hint(f"{line.spelled_name} ({line.place}) is there via {told} now")
        if version != line.pin and new.candidate is not None:
            draft.warn_of(line.name, new.candidate, lookup.target)
    for name, new in left.items():
        candidate = new.candidate
        if candidate is None:
            who = say_need(new.parents)
            draft.warn(f"{who} {name} from an address: there can be no line for it")
            continue
        draft.warn_of(name, candidate, lookup.target)
        draft.add(
            Requirement(name),
            candidate.version,
            path=new.origin.path,
            digests=lookup.digests(name, candidate.version) if manifest.uses_hashes else (),
            comment=change_via(f"# {comments[name]}", new.parents)[2:]
            if name in comments
            else write_via(new.parents),
            group=new.origin.group,
            near=new.origin.name,
            sort="insert",
        )


def find_unknown(solution: Solution, manifest: Manifest, lookup: Lookup) -> list[Pick]:
    """Return what needs nobody knows what, and no line says that it is there via it."""
    told = {parent for line in manifest.lines for parent in line.via}
    return [
        pick
        for name, pick in solution.picks.items()
        if pick.candidate is not None and name not in told and lookup.candidates.is_unknown(pick)
    ]


def say_need(parents: Iterable[str]) -> str:
    """Begin a sentence about what some need: ``flask needs``, ``flask and rich need``."""
    names = list(dict.fromkeys(parents))
    return f"{' and '.join(names)} need{'s' if len(names) == 1 else ''}"


def find_asking(
    line: Line, manifest: Manifest, solution: Solution | None
) -> tuple[NormalizedName, ...]:
    """Return the requirements that have brought a line of the closure along, in the end.

    Without a solution the lines alone tell: not which requirements need each other.
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


def name_open_ends(manifest: Manifest, lookup: Lookup) -> Iterator[str]:
    """Say which requirements keep a locked file from saying all that an image will have."""
    places: Iterable[str] = {root.place for root in lookup.roots() if root.pin is None}
    for line in manifest.direct:
        requirement = line.requirement
        if requirement is None or requirement.url or names_exactly(requirement.specifier):
            continue
        if line.place in places:
            yield (
                f"{line.spelled_name} ({line.place}) is not a pin: the image takes what is newest "
                f"when it is built; `upgrade {line.spelled_name}` pins it"
            )
