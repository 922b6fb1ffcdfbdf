"""Why a project is held below a version, as the clauses of a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .finder import names_exactly
from .partition import project_of
from .problem import PYTHON, dependency_of, group_causes, say_together, without_exclusions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.version import Version

    from .candidates import Candidates
    from .partition import Key
    from .problem import Cause, Conflict, Dependency, Pick, Root, Solution

MAX_CLAUSES = 3


class Reason(Struct, frozen=True, kw_only=True):
    """Why a project is held below a version, as a clause.

    Attributes:
        is_own: its own dependencies rule the version out, whatever else is required.
    """

    text: str
    is_own: bool = False


def why_forbidden(
    candidates: Candidates,
    name: Key,
    version: Version,
    roots: Sequence[Root],
    solution: Solution,
) -> Reason | None:
    """Return the requirement or dependency that excludes a version, and can't itself change.

    It is that of a root beside the files, or of the version of a root that is pinned or the newest.
    """
    for cause in solution.causes.get(name, ()):
        if cause.dependency.specifier.contains(version, prereleases=True):
            continue
        parent, root = cause.parent, cause.dependency.root
        if root is not None and root.is_beside:
            return Reason(text=str(cause))
        if parent is not None and parent.name != name:
            for each in roots:
                if each.name == parent.name and _is_settled(candidates, each, parent.version):
                    bare = without_exclusions(cause.dependency)
                    if not bare.specifier.contains(version, prereleases=True):
                        cause = replace(cause, dependency=bare)
                    return Reason(text=str(_from_root(cause, solution, roots)))
    return None


def _is_settled(candidates: Candidates, root: Root, version: Version | None) -> bool:
    """Return whether a root takes no other version than its pin, or has its newest one."""
    if root.is_opaque or names_exactly(root.specifier):
        return True
    newest = candidates.first(dependency_of(root))
    return newest is not None and newest.version == version


def why_excluded(
    candidates: Candidates,
    name: Key,
    conflict: Conflict,
    roots: Sequence[Root],
    solution: Solution,
) -> Reason:
    """Return why a version of a project conflicts with a solution, from that conflict.

    Of the other projects, the versions in the solution count.
    """
    causes = [
        _from_project(cause, name) or _from_root(cause, solution, roots)
        for cause in conflict.causes
        if cause.parent is not None or cause.dependency.name != name
    ]
    groups = group_causes(_as_settled(causes, name, solution), {name})
    if len(groups) > 1:  # a root matters where something else is asked of its project
        asked = {group[0].dependency.name for group in groups if group[0].parent is not None}
        groups = [each for each in groups if each[0].parent or each[0].dependency.name in asked]
    clauses = [_say(group, solution) for group in groups[:MAX_CLAUSES]]
    if not clauses:
        return Reason(text=", and ".join(conflict.explain()), is_own=True)
    is_own = all(cause.start == name for group in groups for cause in group)
    dependency = groups[0][0].dependency
    is_alone = len(groups) == 1 and dependency.name not in {PYTHON, name}
    if is_alone and not candidates.releases(dependency.name).all:
        return Reason(text=f"{clauses[0]}, which the index does not have", is_own=is_own)
    if is_alone and candidates.first(dependency) is None:
        clauses.append(_why_none(candidates, dependency))
        is_own = is_own and not candidates.limits.bounds_on(dependency.name)
    return Reason(text=", and ".join(clauses), is_own=is_own)


def _as_settled(causes: Sequence[Cause], name: Key, solution: Solution) -> Sequence[Cause]:
    """Return the causes of the versions in a solution; of a project itself, the newest ones.

    All of them where nothing is left.
    """
    newest: dict[Key, Version] = {}
    for pick in (pick for cause in causes if cause.start == name for pick in _picks(cause)):
        if pick.version is not None:
            newest[pick.name] = max(pick.version, newest.get(pick.name, pick.version))
    return [
        cause
        for cause in causes
        if all(
            pick.version == newest.get(pick.name, pick.version)
            if cause.start == name
            else pick.version == solution.version(pick.name)
            for pick in _picks(cause)
        )
    ] or causes


def _picks(cause: Cause) -> tuple[Pick, ...]:
    return (*cause.path, *filter(None, [cause.parent]))


def _from_project(cause: Cause, name: Key) -> Cause | None:
    """Return a cause with the way from a project on; None where it does not lead through it."""
    picks = _picks(cause)
    place = next((place for place, pick in enumerate(picks) if pick.name == name), None)
    return None if place is None else replace(cause, path=picks[place:-1], beside="")


def _from_root(cause: Cause, solution: Solution, roots: Iterable[Root]) -> Cause:
    """Return a cause with the way from the nearest root that has its version in a solution."""
    by_name = {root.name: root for root in roots}
    picks = _picks(cause)
    for place in range(len(picks) - 1, 0, -1):
        pick = picks[place]
        root = by_name.get(pick.name)
        if root is not None and pick.version == solution.version(pick.name):
            beside = root.place if root.is_beside else ""
            return replace(cause, path=picks[place:-1], beside=beside)
    return cause


def _say(group: Sequence[Cause], solution: Solution) -> str:
    """Return what a project needs; of the root of a pin that may move, where it is held."""
    root = group[0].dependency.root
    if root is None or root.pin is None or group[0].dependency.is_exact:
        return say_together(group)
    return f"{project_of(root.name)} is held at {solution.version(root.name)}"


def why_none_given(candidates: Candidates, root: Root) -> str:
    """Return why no version satisfies a root, as a clause."""
    releases = candidates.releases(root.name)
    if releases.all and not releases.allowed(root.specifier):
        return f"there is no such version, the newest is {releases.all[0]}"
    return _why_none(candidates, dependency_of(root))


def remarks(candidates: Candidates, causes: Iterable[Cause]) -> Iterator[str]:
    """Yield what keeps out the newest versions that conflicting dependencies ask for."""
    groups = group_causes((each for each in causes if each.dependency.name != PYTHON), ())
    for dependency in {each[0].dependency.name: each[0].dependency for each in groups}.values():
        releases = candidates.releases(dependency.name)
        finals = (version for version in releases.all if not version.is_prerelease)
        version = next((each for each in finals if dependency.specifier.contains(each)), None)
        is_alone = sum(each[0].dependency.name == dependency.name for each in groups) == 1
        if is_alone and releases.all and not releases.allowed(dependency.specifier):
            span = dict.fromkeys((str(releases.all[-1]), str(releases.all[0])))
            yield f"the index has {project_of(dependency.name)} {' to '.join(span)}"
        if version is None:
            continue
        for bound in candidates.limits.bounds_on(dependency.name):
            if not bound.specifier.contains(version, prereleases=True):
                yield f"{project_of(dependency.name)} {version} {bound.reason}"
        why_not = releases.why_not(version)
        if why_not and candidates.first(dependency) is None:
            yield f"{project_of(dependency.name)} {version} {why_not}"


def _why_none(candidates: Candidates, dependency: Dependency) -> str:
    """Return why no version meets a dependency by itself, as a clause."""
    releases = candidates.releases(dependency.name)
    if not releases.all:
        return "the index does not have it"
    found = list(releases.among(releases.allowed(dependency.specifier)))
    if not found:
        return f"its newest version is {releases.all[0]}"
    finals = [version for version in found if not version.is_prerelease]
    if not finals:
        return f"{project_of(dependency.name)} has only pre-releases of it"
    start = f"{project_of(dependency.name)} {finals[0]}"
    for bound in candidates.limits.bounds_on(dependency.name):
        if not bound.specifier.contains(finals[0], prereleases=True):
            return f"{start} {bound.reason}"
    return f"{start} {releases.why_not(finals[0])}"
