"""Why a project is held below a version, as the clauses of a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .finder import Rejection
from .partition import project_of
from .problem import PYTHON, Pick, dependency_of, has_version_for, satisfies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from packaging.version import Version

    from .candidates import Candidates
    from .partition import Key
    from .problem import Cause, Conflict, Dependency, Root, Solution

MAX_PATH = 4


class Reason(Struct, frozen=True, kw_only=True):
    """Why a project is held below a version, as a clause; the picked project that is blamed."""

    text: str
    blamed: Key | None = None


def why_below(
    candidates: Candidates, name: Key, version: Version, solution: Solution
) -> Reason | None:
    """Return why a project is held below a newer version that suits; None where that is unclear."""
    others = _reached_without(name, solution)
    for cause in solution.causes.get(name, ()):
        if cause.parent is None or cause.parent.name not in others:
            continue
        if not cause.dependency.specifier.contains(version, prereleases=True):
            chain = _chain(cause.parent, solution)
            way = f"because {' → '.join(chain)} needs {cause.dependency.shown}"
            return Reason(text=way if len(chain) > 1 else str(cause), blamed=cause.parent.name)
    candidate = candidates.releases(name).suit(version)
    if isinstance(candidate, Rejection):
        return None
    pick = Pick(name=name, extras=solution.picks[name].extras, candidate=candidate)
    return _obstacle(candidates, (pick,), solution, others)


def why_never(
    candidates: Candidates, name: Key, conflict: Conflict, solution: Solution
) -> Reason | None:
    """Return why a project has no newer version, from the conflict that one would make."""
    causes = [cause for cause in conflict.causes if cause.parent is not None]
    for cause in sorted(causes, key=lambda each: each.parent is None or each.parent.name != name):
        dependency = cause.dependency
        here = solution.picks.get(dependency.name)
        if dependency.name == name or (here is not None and has_version_for(here, dependency)):
            continue
        there = [
            other
            for other in conflict.causes
            if other.dependency.name == dependency.name
            and (
                other.parent is None or other.parent.version == solution.version(other.parent.name)
            )
        ]
        unmet = _why_unmet(candidates, dependency, here, there)
        if unmet is not None:
            return Reason(text=f"{cause}{unmet.text}", blamed=unmet.blamed)
    return None


def why_by_itself(name: Key, conflict: Conflict) -> Reason | None:
    """Return why a newer version rules itself out through its own dependencies."""
    for cause in conflict.causes:
        if cause.dependency.name == name and name in {pick.name for pick in cause.path}:
            return Reason(text=f"because {cause}")
    return None


def why_none_given(candidates: Candidates, root: Root) -> str:
    """Return why no version satisfies a root, as a clause."""
    if not candidates.releases(root.name).all:
        return "the index does not have it"
    why = _why_none(candidates, dependency_of(root)).text.removeprefix(", and ")
    return f"there is no such version, {why}" if why.startswith("the newest is ") else why


def remarks(candidates: Candidates, causes: Iterable[Cause]) -> Iterator[str]:
    """Yield what keeps out the newest versions that conflicting dependencies ask for."""
    for dependency in {cause.dependency.name: cause.dependency for cause in causes}.values():
        for version in candidates.releases(dependency.name).all:
            if dependency.specifier.contains(version) and not version.is_prerelease:
                for bound in candidates.limits.bounds_on(dependency.name):
                    if not bound.specifier.contains(version, prereleases=True):
                        yield f"{project_of(dependency.name)} {version} {bound.reason}"
                why_not = candidates.releases(dependency.name).why_not(version)
                if why_not and candidates.first(dependency) is None:
                    yield f"{project_of(dependency.name)} {version} {why_not}"
                break


def _obstacle(
    candidates: Candidates,
    path: tuple[Pick, ...],
    solution: Solution,
    others: Collection[Key],
) -> Reason | None:
    """Return which dependency of the last pick of a path conflicts with the solution."""
    pick = path[-1]
    way = " → ".join(str(each) for each in path)
    start = f"because {way}" if len(path) > 1 else way
    for dependency in candidates.dependencies(pick):
        if dependency.name == PYTHON:
            return Reason(text=f"{start} needs {dependency.shown}")
        here = solution.picks.get(dependency.name)
        if here is not None and satisfies(here, dependency):
            continue
        # what it lacks are extras
        has_version = here is not None and has_version_for(here, dependency)
        there = [
            cause
            for cause in solution.causes.get(dependency.name, ())
            if cause.parent is None or cause.parent.name in others
        ]
        unmet = None if has_version else _why_unmet(candidates, dependency, here, there)
        if unmet is not None:
            text = f"{start} needs {dependency.shown}{unmet.text}"
            return Reason(text=text, blamed=unmet.blamed)
        best = here.candidate if has_version and here is not None else candidates.first(dependency)
        if len(path) < MAX_PATH and dependency.name not in {each.name for each in path}:
            further = Pick(name=dependency.name, extras=dependency.extras, candidate=best)
            reason = _obstacle(candidates, (*path, further), solution, others)
            if reason is not None:
                return reason
    return None


def _why_unmet(
    candidates: Candidates, dependency: Dependency, here: Pick | None, there: Sequence[Cause]
) -> Reason | None:
    """Return why a dependency can't be met beside what else is asked, as the end of a sentence."""
    name, alone = dependency.name, candidates.first(dependency)
    for cause in sorted(there, key=lambda cause: cause.parent is not None):
        root = cause.dependency.root
        if root is not None and root.pin is not None and here is not None:
            return Reason(text=f", and {project_of(name)} is held at {here.version}", blamed=name)
        if alone and not any(candidates.fitting(name, [dependency, cause.dependency])):
            blamed = name if cause.parent is None else cause.parent.name
            return Reason(text=f", and {cause}", blamed=blamed)
    return None if alone else _why_none(candidates, dependency)


def _why_none(candidates: Candidates, dependency: Dependency) -> Reason:
    """Return why no version meets a dependency by itself, as the end of a sentence.

    A project is blamed where a constraint or a policy keeps its version out.
    """
    releases = candidates.releases(dependency.name)
    if not releases.all:
        return Reason(text=", which the index does not have")
    found = list(releases.among(releases.allowed(dependency.specifier)))
    if not found:
        return Reason(text=f", and the newest is {releases.all[0]}")
    finals = [version for version in found if not version.is_prerelease]
    if not finals:
        return Reason(text=f", and {project_of(dependency.name)} has only pre-releases of it")
    start = f", and {project_of(dependency.name)} {finals[0]}"
    for bound in candidates.limits.bounds_on(dependency.name):
        if not bound.specifier.contains(finals[0], prereleases=True):
            return Reason(text=f"{start} {bound.reason}", blamed=dependency.name)
    return Reason(text=f"{start} {releases.why_not(finals[0])}")


def _reached_without(name: Key, solution: Solution) -> set[Key]:
    """Return the projects that the solution would have without one project."""
    reached: set[Key] = set()
    grows = True
    while grows:
        grows = False
        for other, causes in solution.causes.items():
            if other == name or other in reached:
                continue
            if any(cause.parent is None or cause.parent.name in reached for cause in causes):
                reached.add(other)
                grows = True
    return reached


def _chain(pick: Pick, solution: Solution) -> tuple[str, ...]:
    """Return the shortest path of picks from a root to this one."""
    paths: list[tuple[Pick, ...]] = [(pick,)]
    seen = {pick.name}
    for path in paths:  # it grows on the way
        causes = solution.causes.get(path[0].name, ())
        if any(cause.parent is None for cause in causes):
            return tuple(str(each) for each in path)
        for cause in causes:
            if cause.parent is not None and cause.parent.name not in seen:
                seen.add(cause.parent.name)
                paths.append((cause.parent, *path))
    return (str(pick),)
