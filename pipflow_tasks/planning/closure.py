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

    from ..manifest.documents import Documents
    from ..requirements import Line
    from ..resolution import Pick, Solution, Waiver
    from ..resolution.finder import Candidate
    from .draft import Draft
    from .lookup import Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
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
class Brought:
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
    root: Root


def find_roots(documents: Documents, lookup: Lookup) -> list[Root]:
    """Return the requirements that count for the target, those of included files first.

    A file that another one includes is installed on its own, too: so what both bring along is
    written there. What a file that was fetched brings is written into the main file.
    """
    counts = {want.place for want in lookup.wants()}
    lines = [line for line in documents.direct if line.place in counts]
    lines.sort(key=lambda line: documents.innermost.index(line.path))
    fetched = [
        Root(name=line.name, path=documents.main)
        for line in documents.beside
        if line.path in documents.fetched and line.place in counts and line.name is not None
    ]
    roots = [Root(name=line.name, path=line.path) for line in lines if line.name is not None]
    return [*roots, *fetched]


def find_brought(
    roots: Sequence[Root],
    solution: Solution,
    documents: Documents,
    lookup: Lookup,
    waived: Iterable[Waiver] = (),
) -> dict[NormalizedName, Brought]:
    """Return what the roots bring along, by name, in the order of names.

    What a project needs that is on no index, or that can't be known without building it, is taken
    from what the lines say of themselves. Needs that clash are needs all the same.
    """
    children: dict[NormalizedName, set[NormalizedName]] = {}
    for name, causes in solution.needs.items():
        for cause in causes:
            if cause.parent is not None and cause.parent.name != name:
                children.setdefault(cause.parent.name, set()).add(name)
    for parent, name in waived:
        if parent in solution.picks and name in solution.picks:
            children.setdefault(parent, set()).add(name)
    lines = {line.name: line for line in documents.closure if line.name is not None}
    for name, line in lines.items():
        for parent in line.via:
            if not _is_known(parent, solution, lookup):
                children.setdefault(parent, set()).add(name)
    first: dict[NormalizedName, Root] = {}
    for root in roots:
        reached = [root.name]
        for name in reached:  # it grows on the way
            if name not in first:
                first[name] = root
                reached.extend(sorted(children.get(name, ())))
    parents: dict[NormalizedName, list[NormalizedName]] = {}
    for parent in sorted(first):
        for name in children.get(parent, ()):
            parents.setdefault(name, []).append(parent)
    brought: dict[NormalizedName, Brought] = {}
    for name in sorted(first.keys() - {root.name for root in roots}):
        pick = solution.picks.get(name)
        brought[name] = Brought(
            version=lines[name].pin if pick is None else pick.version,
            candidate=None if pick is None else pick.candidate,
            parents=tuple(parents[name]),
            root=first[name],
        )
    return brought


def _is_known(name: NormalizedName, solution: Solution, lookup: Lookup) -> bool:
    """Tell whether it is known what a project needs."""
    pick = solution.picks.get(name)
    return pick is not None and not lookup.candidates.is_unknown(pick)


def write_closure(
    draft: Draft, documents: Documents, lookup: Lookup, brought: Mapping[NormalizedName, Brought]
) -> None:
    """Let the files have a line for each project that is brought along, and for no other.

    Raises:
        RequirementsError: the files pin hashes, and the index does not tell them.
    """
    left = dict(brought)
    comments = {line.name: line.comment.lstrip("# ") for line in documents.closure}
    for line in documents.closure:
        assert line.name is not None
        new = left.pop(line.name, None)
        if new is not None and new.version is None:
            left[line.name] = new  # it is told below
        if new is None or new.version is None:
            draft.remove([line])
            continue
        version = new.version
        lacks_hash = documents.uses_hashes and not line.option_values("--hash")
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
            path=new.root.path,
            digests=lookup.digests(name, candidate.version) if documents.uses_hashes else (),
            comment=change_via(f"# {comments[name]}", new.parents)[2:]
            if name in comments
            else write_via(new.parents),
            group=new.root.group,
            beside=new.root.name,
            sort="insert",
        )


def find_unknown(solution: Solution, documents: Documents, lookup: Lookup) -> list[Pick]:
    """Return what needs nobody knows what, and no line says that it is there via it."""
    told = {parent for line in documents.lines for parent in line.via}
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
    line: Line, documents: Documents, solution: Solution | None
) -> tuple[NormalizedName, ...]:
    """Return the requirements that have brought a line of the closure along, in the end.

    Without a solution the lines alone tell: not which requirements need each other.
    """
    via = {each.name: set(each.via) for each in documents.closure}
    for name, causes in solution.needs.items() if solution is not None else ():
        parents = {cause.parent.name for cause in causes if cause.parent is not None}
        via.setdefault(name, set()).update(parents)
    asking = [*line.via]
    for name in asking:  # it grows on the way
        asking.extend(sorted(via.get(name, set()).difference(asking, {line.name})))
    direct = {each.name for each in documents.direct}
    return tuple(name for name in asking if name in direct)


def name_open_ends(documents: Documents, lookup: Lookup) -> Iterator[str]:
    """Say which requirements keep a locked file from saying all that an image will have."""
    places: Iterable[str] = {want.place for want in lookup.wants() if want.pin is None}
    for line in documents.direct:
        requirement = line.requirement
        if requirement is None or requirement.url or names_exactly(requirement.specifier):
            continue
        if line.place in places:
            yield (
                f"{line.spelled_name} ({line.place}) is not a pin: the image takes what is newest "
                f"when it is built; `upgrade {line.spelled_name}` pins it"
            )
