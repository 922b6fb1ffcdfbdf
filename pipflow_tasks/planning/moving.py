"""Give lines the versions that were settled, and report why newer ones are not taken."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ..errors import RequirementsError
from ..plan import Held
from ..resolution import Dependency, project_of, rule_out, why_excluded, why_forbidden
from ..resolution.finder import Rejection, names_exactly
from ..values import as_plural, join_words
from .draft import Draft, Undated, move, note_files, warn
from .goals import key_for
from .inputs import each_of, names_of, releases, say_readers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from ..requirements import Line
    from ..resolution import Key, Reason
    from ..resolution.finder import Candidate, Choice, Releases
    from .goals import Goal
    from .inputs import Inputs
    from .settlement import Settlement

MOST_EXAMINED = 4
"""For how many newer versions the reason against them is looked for."""

ANY = SpecifierSet()


def digests(
    inputs: Inputs, key: Key, version: Version, *, like: Line | None = None
) -> tuple[str, ...]:
    """Return ``sha256:...`` of every file of a version, as pip-compile writes them.

    Each platform may take another file of it. There are none for a line ``like`` one without
    hashes, nor for a new line of files that use none; that line also decides the algorithm.

    Raises:
        RequirementsError: the index does not have this digest of every file.
    """
    written = like.option_values("--hash") if like is not None else ()
    if not (written if like is not None else inputs.manifest.uses_hashes):
        return ()
    algorithm = written[0].partition(":")[0] if written else "sha256"
    files = releases(inputs, key).files.get(version, ())
    lacking = [file.filename for file in files if algorithm not in file.hashes]
    if lacking or not files:
        raise RequirementsError(
            f"the index gives no {algorithm} of {', '.join(lacking) or project_of(key)}, "
            "and the file pins hashes",
            path=like.path if like is not None else inputs.manifest.main,
            line=like.number if like is not None else None,
            hint="use an index that gives hashes, or write this version by hand",
        )
    return tuple(sorted({f"{algorithm}:{file.hashes[algorithm]}" for file in files}))


def candidate_for(settlement: Settlement, goal: Goal) -> Candidate | None:
    """Return the candidate that a goal gets: the settled one, else the newest that suits."""
    if not settlement.inputs.resolves:
        return goal.choice.candidate
    pick = settlement.solution.picks.get(key_for(settlement.inputs, goal))
    return None if pick is None else pick.candidate


def move_goal(settlement: Settlement, goal: Goal) -> Iterator[Draft]:
    """Move a line to its version, and report what holds it."""
    version = version_for(settlement, goal)
    if version is not None:
        yield from write_goal(settlement, goal)
        yield from tell_held_goal(settlement, goal, version)


def version_for(settlement: Settlement, goal: Goal) -> Version | None:
    """Return the version that the line of a goal gets or keeps."""
    assert goal.line is not None
    candidate, pin = candidate_for(settlement, goal), goal.line.pin
    if pin is not None and goal.asked == SpecifierSet(f"=={pin}"):
        return pin  # the candidate may have a label
    if candidate is None or (pin and candidate.version < pin and not goal.asked):
        return pin
    return candidate.version


def write_goal(settlement: Settlement, goal: Goal) -> Iterator[Draft]:
    """Give a line its version, comment and extras, unless it has them or follows the lock."""
    inputs, line = settlement.inputs, goal.line
    assert line is not None
    version = version_for(settlement, goal)
    if version is None or (inputs.resolves and line in inputs.manifest.locked):
        return
    if version != line.pin:
        key = key_for(inputs, goal)
        hashes = digests(inputs, key, version, like=line)
        yield move(line, version, digests=hashes, comment=goal.comment, extras=goal.extras)
        candidate = candidate_for(settlement, goal)
        assert candidate is not None
        yield from warn_of(inputs, goal.name, key, candidate, asked=goal.asked)
    elif goal.comment is not None or goal.extras:
        yield move(line, version, comment=goal.comment, extras=goal.extras)


def warn_of(
    inputs: Inputs, project: str, key: Key, candidate: Candidate, *, asked: SpecifierSet = ANY
) -> Iterator[Draft]:
    """Report what is unusual about a candidate, and for which environments.

    An ``asked`` that names one version takes it, whatever its age.
    """
    release = f"{project} {candidate.version}"
    told: dict[str, list[int]] = {}
    for own, number in each_of(inputs, key, candidate):
        if own.from_source:
            built = f"{own.from_source}; the image will build it from source"
            told.setdefault(built, []).append(number)
        if own.why_yanked:
            told.setdefault(own.why_yanked, []).append(number)
    for said, numbers in told.items():
        where = say_readers(inputs, numbers)
        yield warn(f"{release} {said} ({where})" if where else f"{release} {said}")
    if lacks := tuple(dict.fromkeys(own.from_source for own, _ in each_of(inputs, key, candidate))):
        yield Draft(from_source=tuple((release, why) for why in lacks if why))
    if candidate.undated and not names_exactly(asked):
        views = inputs.candidates.views_of(key)
        indexes = (url for _, view in views for url in view.catalog.indexes_of(project_of(key)))
        yield Draft(undated=(Undated(release=release, indexes=tuple(dict.fromkeys(indexes))),))
    for own, number in each_of(inputs, key, candidate):
        yield from note_files(project, own, inputs.readers[number].target)


def tell_held_goal(settlement: Settlement, goal: Goal, version: Version) -> Iterator[Draft]:
    """Report what holds a project below its newest version, unless the request does."""
    newer = (each for each in goal.choice.rejections if each.version > version)
    if skipped := next((each for each in newer if each.by_old_pip), None):
        release = f"{goal.name} {skipped.version} {skipped.reason}"
        yield warn(f"{release}; upgrade pip before the install step")
    key = key_for(settlement.inputs, goal)
    yield from tell_held(settlement, goal.name, key, version, goal.choice, asked=goal.asked)


def tell_held(
    settlement: Settlement,
    name: str,
    key: Key,
    version: Version,
    choice: Choice,
    *,
    asked: SpecifierSet = ANY,
) -> Iterator[Draft]:
    """Report why a project is held below the newest version that was asked for.

    ``name`` is the project's, as it is written; ``choice`` is the newest version that suits by
    itself.
    """
    inputs = settlement.inputs
    latest = releases(inputs, key).newest(asked)
    if latest is None or latest <= version:
        return
    best = choice.candidate
    if inputs.resolves and best is not None and best.version > version:
        reason = _why_held(settlement, key, asked)
    else:
        there = releases(inputs, key)
        reason = _why_passed_over(name, latest, choice) or "; ".join(
            f"{each} {why}" for each, why in _reasons_against(version, latest, choice, there)
        )
    held = Held(
        project=name,
        version=version,
        newest=latest,
        reason=reason,
        environments=names_of(inputs, inputs.partition.part_of(key)),
    )
    yield Draft(held=(held,))


def _reasons_against(
    version: Version, latest: Version, choice: Choice, there: Releases
) -> Iterator[tuple[Version, str]]:
    """Yield what rules the newest version out by itself, and what else an older one.

    The image counts before what is to be kept out. If it can't have the newest, the older one is
    the newest that it can have; else the newest that only the image rules out.
    """
    newer = [
        each
        for each in choice.rejections
        if version < each.version < latest and not each.version.is_prerelease and not each.is_yanked
    ]
    own = there.suit(latest)
    if isinstance(own, Rejection):
        yield latest, own.reason
        older = (each for each in newer if not isinstance(there.suit(each.version), Rejection))
    else:
        yield latest, choice.reason_against(latest) or "was not asked for"
        is_kept_out = any(each.by_bound for each in choice.rejections if each.version == latest)
        older = (each for each in newer if is_kept_out and not each.by_bound)
    yield from ((each.version, each.reason) for each in islice(older, 1))


def _why_passed_over(name: str, latest: Version, choice: Choice) -> str:
    """Return which newest versions lose their wheel, as a clause; nothing where none does."""
    older = (each for each in choice.rejections if each.version <= latest)
    usual = (each for each in older if not each.version.is_prerelease and not each.is_yanked)
    alike = list(takewhile(lambda each: each.loses_wheel, usual))
    if not alike:
        return ""
    last = alike[-1]
    reason = f"{latest} {last.reason}"
    if len(alike) > 1:
        reason = f"{last.version} and newer {as_plural(last.reason)}"
    return f"{reason}; `upgrade {name}` takes source"


def _why_held(settlement: Settlement, name: Key, asked: SpecifierSet) -> str:
    """Return why a project has no newer version in a settlement, as a clause.

    It is about the newest version that was asked for, unless that is impossible in any case.
    """
    inputs = settlement.inputs
    now = settlement.solution.version(name)
    if now is None:  # the line counts as met: no version satisfies it
        if len(inputs.manifest.find(project_of(name))) > 1:
            return "another line of it conflicts"
        return "no newer version is compatible with the other requirements"
    first: Reason | None = None
    for version in islice(_newer_than(now, inputs, name, asked), MOST_EXAMINED):
        reason = _why_not(settlement, name, version)
        if reason is not None and not reason.is_own:
            return reason.text
        first = first or reason
    if first is not None:
        return first.text
    if name in settlement.conflicting:
        return _name_conflict(settlement, name)
    return "the search found no set with a newer version"


def _newer_than(now: Version, inputs: Inputs, name: Key, asked: SpecifierSet) -> Iterator[Version]:
    """Yield the versions above one that suit by themselves and were asked for, newest first."""
    candidates = inputs.candidates.within(inputs.limits.preferring(name, None))
    wanted = Dependency(name=name, specifier=asked, shown=project_of(name))
    versions = (candidate.version for candidate in candidates.fitting(name, [wanted]))
    return takewhile(lambda version: version > now, versions)


def _why_not(settlement: Settlement, name: Key, version: Version) -> Reason | None:
    """Return what rules a version out in a settlement; None where nothing does."""
    part, candidates = settlement.around(name), settlement.inputs.candidates
    found = why_forbidden(candidates, name, version, part.roots, part.solution)
    if found is not None:
        return found
    conflict = rule_out(
        candidates, name, version, part.roots, part.solution, waived=settlement.waived
    )
    return (
        None
        if conflict is None
        else why_excluded(candidates, name, conflict, part.roots, part.solution)
    )


def _name_conflict(settlement: Settlement, name: Key) -> str:
    """Return which conflict of the files a project takes part in."""
    pairs = (pair for pair in settlement.waived if name in pair)
    names = sorted({project_of(each) for pair in pairs for each in pair})
    return f"the pinned requirements of {join_words(names) or project_of(name)} conflict"
