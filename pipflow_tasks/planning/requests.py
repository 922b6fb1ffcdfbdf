"""Requests of the command line, compared with the files."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ..errors import RequirementsError
from ..requirements import as_one_word
from ..values import join_words
from .goals import why_unmovable
from .inputs import (
    key_of,
    names_of,
    readers_of,
    readers_of_file,
    readers_of_new,
    releases,
    say_targets,
)
from .policies import beside_caps, bounds_beside, capped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from packaging.markers import Marker
    from packaging.utils import NormalizedName

    from ..manifest.documents import Manifest
    from ..requirements import Line, Request
    from .inputs import Inputs


_OPPOSITES = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def error_at(line: Line, message: str, *, hint: str) -> RequirementsError:
    """Return an error about a line."""
    return RequirementsError(message, path=line.path, line=line.number, hint=hint)


def require_there(manifest: Manifest, name: str) -> tuple[Line, ...]:
    """Return the lines of a project, or raise RequirementsError where there is none."""
    lines = manifest.find(name)
    if lines:
        return lines
    known = {line.name for line in manifest.lines if line.name}
    raise RequirementsError(
        f"{name} is not listed", path=manifest.main, hint=close_hint(name, known)
    )


def close_hint(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is not listed: a similar one, or some that are."""
    names = sorted(map(str, known))
    if close := get_close_matches(canonicalize_name(name), names, n=1):
        return f"did you mean {close[0]}?"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"there are {', '.join(names[:5])}{more}" if names else "there are none"


def find_removable(manifest: Manifest, request: Request) -> tuple[Line, ...]:
    """Return the lines that a name, or a name with a marker, stands for.

    Raises:
        RequirementsError: there is none, or more than a name was typed.
    """
    requirement = request.requirement
    if requirement.specifier or requirement.extras:
        raise _no_name(request, "remove")
    lines = require_there(manifest, requirement.name)
    if requirement.marker is None:
        return lines
    chosen = tuple(line for line in lines if str(line.marker) == str(requirement.marker))
    if not chosen:
        there = "; ".join(f"{line.shown} ({line.place})" for line in lines)
        raise RequirementsError(
            f'no line of {requirement.name} has the marker "{requirement.marker}"',
            path=lines[0].path,
            hint=f"there are: {there}",
        )
    return chosen


def provides(inputs: Inputs, lines: Sequence[Line], request: Request) -> bool:
    """Return whether lines provide what is asked for to all who would read a new line of it."""
    marker = request.requirement.marker
    readers = readers_of_new(inputs, marker)
    targets = [inputs.readers[each].target for each in readers]
    if marker is not None and not any(target.applies(marker) for target in targets):
        return marker in [line.marker for line in lines]  # it is for another image
    return {each for line in lines for each in readers_of(inputs, line)}.issuperset(readers)


def require_free(inputs: Inputs, lines: Iterable[Line], request: Request) -> None:
    """Raise RequirementsError where lines reach some only of those who would read a new line.

    A request with a marker may be for the others.
    """
    readers = readers_of_new(inputs, request.requirement.marker)
    files = {path for each in readers for path in inputs.readers[each].manifest.requirements}
    near = [line for line in lines if line.path in files]
    if request.requirement.marker is not None or not near:
        return
    name = request.requirement.name
    reached = {each for line in near for each in readers_of(inputs, line)}
    lacking = [each for each in readers if each not in reached]
    installing = {each for line in near for each in readers_of_file(inputs, line.path)}
    if foreign := [each for each in lacking if each not in installing]:
        raise _elsewhere_error(inputs, near[0], name, foreign)
    other = _opposite(*(line.marker for line in near)) or "..."
    what = say_targets(inputs, inputs.partition.key(request.name, lacking[0]))
    raise error_at(
        near[0],
        f"{name} is already listed, but its marker excludes {what}",
        hint=f"`add {as_one_word(f'{name}; {other}')}` writes another line for that",
    )


def _elsewhere_error(
    inputs: Inputs, line: Line, name: str, lacking: Sequence[int]
) -> RequirementsError:
    """Return the error that a line is in a file that some do not install who read a new line."""
    main = inputs.manifest.main
    names = names_of(inputs, lacking)
    ways = [f"`remove {name} --file {line.path}` removes it there, then add it again"]
    alone = (
        path
        for path in inputs.manifest.requirements
        if {*readers_of_file(inputs, path)} == {*lacking}
    )
    if path := next(alone, ""):
        ways.append(f"`add {name} --file {path}` adds it for {join_words(names)} alone")
    return error_at(
        line,
        f"{name} is already listed here, and {_say_install(names)} {main} without {line.path}",
        hint="; or ".join(ways),
    )


def _say_install(names: Sequence[str]) -> str:
    return f"{join_words(names)} {'installs' if len(names) == 1 else 'install'}"


def taken_error(inputs: Inputs, request: Request, readers: Collection[int]) -> RequirementsError:
    """Return the error that another line leaves no version for a new line of a project."""
    manifest, name = inputs.manifest, request.requirement.name
    every = (*manifest.siblings, *manifest.lines, *manifest.overrides)
    there = [line for line in every if line.name == request.name]
    read = [line for line in there if {*readers_of(inputs, line)} & {*readers}]
    if not (lines := read or there):
        return RequirementsError(f"no version of {name} can be written", path=manifest.main)
    line = lines[0]
    packages = [each.place for own in inputs.environments for each in own.packages]
    numbers = [each for each in readers_of(inputs, line) if each in readers]
    way = f"`remove {name} --file {line.path}` removes it there"
    if line.place in packages or line.path in manifest.fetched or not read:
        way = "change or remove it there"
    both = "both are installed"
    if len(inputs.environments) > 1:
        both = f"{_say_install(names_of(inputs, numbers))} both"
    return error_at(
        line,
        f'"{line.shown}" conflicts with {name} in {manifest.main}: {both}',
        hint=f"{way}, then add it again",
    )


def _opposite(*markers: Marker | None) -> str:
    """Return the marker that holds where another does not, if it is a single comparison."""
    variable, operator, value = [*str(markers[0]).split(), "", ""][:3]
    if len(markers) > 1 or str(markers[0]) != f"{variable} {operator} {value}":
        return ""
    opposite = _OPPOSITES.get(operator)
    return f"{variable} {opposite} {value}".replace('"', "'") if opposite else ""


def is_met(line: Line, request: Request) -> bool:
    """Return whether a pin satisfies a request."""
    specifier = request.requirement.specifier
    return line.pin is not None and specifier.contains(line.pin, prereleases=True)


def missing_extras(line: Line, request: Request) -> tuple[str, ...]:
    """Return the requested extras that a line lacks.

    Raises:
        RequirementsError: it lacks some, and gives an address or a variable.
    """
    if line.requirement is None:
        return ()
    wanted = sorted(request.requirement.extras)
    missing = tuple(extra for extra in wanted if canonicalize_name(extra) not in line.extras)
    if missing and (line.requirement.url is not None or line.has_variable):
        problem = f"{line.spelled_name} is already listed without [{','.join(missing)}]"
        raise error_at(line, problem, hint="write the extra into that line")
    return missing


def require_agreement(lines: Iterable[Line], request: Request, inputs: Inputs) -> None:
    """Raise RequirementsError where a request contradicts its lines, or a line allows more.

    A range that ``add`` can pin may allow more. Where a line is not pinned, the index is asked:
    PackageIndexError where it fails.
    """
    requirement = request.requirement
    specifier = requirement.specifier
    for line in lines:
        if line.requirement is None:
            continue
        allowed = beyond = 0
        if line.pin is not None:
            beyond = not is_met(line, request)
        elif specifier and specifier != line.requirement.specifier:
            there = releases(inputs, key_of(inputs, line))
            allowed = there.allowed(line.requirement.specifier)
            beyond = allowed & ~there.allowed(specifier)
            if beyond != allowed and not why_unmovable(inputs, line):
                continue
        if beyond:
            what = "contradicts" if beyond == allowed or line.pin else "allows more than"
            raise error_at(
                line,
                f'"{line.shown}" is already listed and {what} "{requirement}"',
                hint=_hint_to_move(line, request, inputs),
            )


def _hint_to_move(line: Line, request: Request, inputs: Inputs) -> str:
    """Return what would let a line have what was asked for."""
    if line.requirement is None or line.requirement.url is not None:
        return "change the line by hand"
    command = f"`upgrade {as_one_word(f'{request.requirement.name}{request.specifier}')}`"
    policy = line.policy
    if policy is not None:
        there = releases(inputs, key_of(inputs, line))
        within = there.allowed(request.requirement.specifier)
        for bound in bounds_beside(line, request.specifier):
            within &= there.allowed(bound.specifier)
        if line.is_held or not within:
            forbids = f"its policy {policy.text} forbids that"
            kept = beside_caps(line)
            specifier = request.requirement.specifier
            newest = None if kept is None else there.newest(specifier & kept)
            if newest is None:
                return f"{forbids}: change it, then {command} may move the pin"
            word = capped(request.requirement.name, request.specifier, newest)
            return f"{forbids}: `upgrade {word}` also changes it, and may move the pin"
    return f"{command} may move it"


def require_same(first: Request, second: Request) -> None:
    """Raise RequirementsError unless two requests for one project are equal."""
    if str(first.requirement) != str(second.requirement):
        raise RequirementsError(
            f'"{first.requirement}" and "{second.requirement}" name one project',
            hint="ask for it once",
        )


def names_in(requests: Collection[Request], option: str) -> frozenset[NormalizedName]:
    """Return the names given to an option, or raise RequirementsError where one is more."""
    for request in requests:
        if str(request.requirement) != request.requirement.name:
            raise _no_name(request, option)
    return frozenset(request.name for request in requests)


def _no_name(request: Request, taker: str) -> RequirementsError:
    return RequirementsError(
        f'"{request.requirement}" is more than a name',
        hint=f"{taker} takes names: `{taker} {request.requirement.name}`",
    )


def already_there(line: Line) -> str:
    """Return the hint that a project need not be added."""
    name, requirement = line.spelled_name, line.requirement
    if requirement is None or requirement.url is not None or line.has_variable:
        return f"{name} is already listed: {line.shown} ({line.place})"
    if line.pin is not None:
        return f"{name} is already listed, at {line.pin} ({line.place}); `upgrade {name}` moves it"
    return f"{name} is already listed, not pinned ({line.place})"
