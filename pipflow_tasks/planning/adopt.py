"""``adopt``: one locked file of what another tool wrote, without moving a version.

Direct requirements keep their lines, comments and limits; every other pin becomes a ``# via`` line.
Who needs what is asked of the index, so that ``lock`` finds nothing to change in the result.
"""

from __future__ import annotations

from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name

from ..errors import DockerfileError, RequirementsError, UsageError
from ..files import show_path
from ..manifest.compiled import tell_folder
from ..plan import Finding
from ..requirements import (
    Addition,
    Kind,
    Pin,
    RequirementsFile,
    bounds_pin,
    change_policy,
    read_annotation,
    split_clauses,
    typed_specifier,
    write_via,
)
from ..requirements.pipfile import is_pipfile
from .draft import Draft, change_of, hint, warn
from .inputs import applies, environments_of
from .lock import lock_all
from .policies import comment_with_policy, tell_policies
from .requests import close_hint, error_at
from .settling import settle_current
from .transitive import find_children, find_transitive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..dockerfile import InstallCommand
    from ..environments.build import Build
    from ..manifest.compiled import Adopted, Pinned
    from ..manifest.library import Library
    from ..plan import Change, Edit
    from ..requirements import Line
    from ..target import Target
    from .draft import PlannedAddition
    from .inputs import Inputs
    from .settlement import Settlement


_UNSAFE = {"pip", "setuptools", "distribute"}  # pip-compile leaves them out by default


class Roles(Struct, frozen=True, kw_only=True):
    """Which pins are direct requirements, and what needs the others.

    Attributes:
        parents: the projects that need each transitive dependency.
        origins: the direct requirement that each of them comes from first.
        notices: what the user should know of the choice.
    """

    parents: Mapping[NormalizedName, tuple[NormalizedName, ...]] = MappingProxyType({})
    origins: Mapping[NormalizedName, NormalizedName] = MappingProxyType({})
    notices: tuple[Draft, ...] = ()


ALL_DIRECT = Roles()


def leave_unread(adopted: Adopted, targets: Sequence[Target]) -> Adopted:
    """Return what is adopted with the lines that no image reads, as their markers say."""
    unread = frozenset(
        line.number
        for line in adopted.base.lines
        if line.marker is not None and not any(each.applies(line.marker) for each in targets)
    )
    return replace(adopted, unread=unread)


def find_sources(adopted: Adopted, content: RequirementsFile) -> Mapping[str, str]:
    """Return the places of the adopted pins, by those that they have in the result."""
    return MappingProxyType(
        {
            line.place: pinned.line.place
            for line in content.lines
            for pinned in adopted.find(line.name)
            if pinned.version == line.pin and pinned.line.marker == line.marker
        }
    )


# --- who needs what -------------------------------------------------------------------------------


def find_roles(
    inputs: Inputs,
    adopted: Adopted,
    direct: Collection[NormalizedName],
    transitive: Collection[NormalizedName],
) -> Roles:
    """Return the roles of the pins; ``inputs`` have all of them as direct requirements.

    ``direct`` and ``transitive`` are those that the user names.

    Raises:
        RequirementsError: the sources ask for what is not pinned, or a name is not there.
        UsageError: a name is given as both.
        VersionConflict: the pins conflict, so that the image could not install them.
    """
    _require_current(inputs, adopted)
    names = {pinned.name for pinned in adopted.pinned}
    for name in (*direct, *transitive):
        if name not in names:
            path, known = adopted.compiled[0], close_hint(name, names)
            raise RequirementsError(f"{name} is not pinned", path=path, hint=known)
    if both := sorted({*direct} & {*transitive}):
        raise UsageError(f"{both[0]} is named as direct and as transitive", hint="name it once")
    settlement = settle_current(inputs, waive=False)
    children = _children(settlement, adopted)
    needed = {child for parent, found in children.items() for child in found if child != parent}
    foreign = _find_foreign(settlement, adopted, names)
    roots = _first_direct(adopted, needed | foreign.keys(), direct, transitive)
    alone: list[NormalizedName] = []
    for name in sorted(names - foreign.keys(), key=lambda name: (name in needed, name)):
        if name in _reach(roots, children):
            continue
        if name in transitive:
            raise error_at(
                adopted.find(name)[0].line,
                f"nothing that is pinned needs {name}",
                hint="leave it out of --transitive",
            )
        roots.append(name)
        if _says(adopted.find(name)) is not None:
            alone.append(name)
    first = _reach(roots, children)
    parents = {
        name: tuple(
            sorted(each for each in first if name in children.get(each, ()) and each != name)
        )
        for name in sorted((first.keys() & names).difference(roots))
    }
    elsewhere = {name: told for name, told in foreign.items() if name not in first}
    return Roles(
        parents=MappingProxyType({**parents, **elsewhere}),
        origins=MappingProxyType({**first, **{name: told[0] for name, told in elsewhere.items()}}),
        notices=(_tell_alone(alone),) if alone else (),
    )


def _find_foreign(
    settlement: Settlement, adopted: Adopted, names: Collection[NormalizedName]
) -> dict[NormalizedName, tuple[NormalizedName, ...]]:
    """Return the projects that are only for other platforms, with what needs them there."""
    found: dict[NormalizedName, tuple[NormalizedName, ...]] = {}
    for name in names:
        pins = adopted.find(name)
        if any(applies(settlement.inputs, pin.line.marker) for pin in pins):
            continue
        told = {each for pin in pins for each in pin.parents if each in names}
        if told := told or _needing_elsewhere(settlement, name):
            found[name] = tuple(sorted(told))
    return found


def _needing_elsewhere(settlement: Settlement, name: NormalizedName) -> set[NormalizedName]:
    """Return the projects that need another one on some platform."""
    found: set[NormalizedName] = set()
    for pick in settlement.solution.picks.values():
        for metadata in settlement.inputs.candidates.metadata(pick):
            needed = () if metadata is None or pick.project == name else metadata.requires
            if any(canonicalize_name(each.name) == name for each in needed):
                found.add(pick.project)
    return found


def _tell_alone(names: Collection[NormalizedName]) -> Draft:
    shown = ", ".join(names)
    many = len(names) > 1
    return warn(
        f"nothing that the image installs needs {shown}, so "
        f"{'they stay direct requirements' if many else 'it stays a direct requirement'}; "
        f'`remove "{shown}"` takes {"them" if many else "it"} out'
    )


def _require_current(inputs: Inputs, adopted: Adopted) -> None:
    """Check that the pins are what the sources ask for.

    Raises:
        RequirementsError: the sources were changed since.
    """
    if not adopted.is_source:
        return
    for line in adopted.base.lines:
        requirement = line.requirement
        if requirement is None or requirement.url or not applies(inputs, line.marker):
            continue
        pins = adopted.find(line.name)
        if any(requirement.specifier.contains(pin.version, prereleases=True) for pin in pins):
            continue
        there = " and ".join(adopted.compiled)
        told = f"{there} has {pins[0].version}" if pins else f"{there} has no line for it"
        path, _, number = adopted.place_of(line).rpartition(":")
        raise RequirementsError(
            f"{requirement.name}{requirement.specifier} is asked for, and {told}",
            path=path,
            line=None if is_pipfile(path) or path.endswith(".toml") else int(number),
            hint=_way_to_pin(line, path, adopted),
        )


def _way_to_pin(line: Line, path: str, adopted: Adopted) -> str:
    if path in adopted.compiled:
        return f"`pin {line.spelled_name}` pins it; adopt then"
    if line.name in _UNSAFE:
        return "compile it with --allow-unsafe, which keeps it, and adopt then"
    return "compile it first, and adopt then"


def _children(
    settlement: Settlement, adopted: Adopted
) -> dict[NormalizedName, set[NormalizedName]]:
    """Return what each project needs; where that is unknown, what the comments say."""
    inputs, solution = settlement.inputs, settlement.solution
    children: dict[NormalizedName, set[NormalizedName]] = {}
    for number in settlement.numbers:
        found = find_children(inputs, solution, number)
        for name, needed in found.items():
            children.setdefault(name, set()).update(needed)
    unknown = {
        pick.project for pick in solution.picks.values() if inputs.candidates.is_unknown(pick)
    }
    for pinned in adopted.pinned:
        for parent in unknown.intersection(pinned.parents):
            children.setdefault(parent, set()).add(pinned.name)
    return children


def _says(pins: Iterable[Pinned]) -> bool | None:
    """Return what the files say of a project: whether it is direct; None: nothing."""
    told = [pin.is_direct for pin in pins if pin.is_direct is not None]
    return any(told) if told else None


def _first_direct(
    adopted: Adopted,
    needed: Collection[NormalizedName],
    direct: Collection[NormalizedName],
    transitive: Collection[NormalizedName],
) -> list[NormalizedName]:
    """Return the projects that are direct in any case: as the files say, else unneeded ones.

    No tool freezes extras: a line that has some is a person's.
    """
    found: list[NormalizedName] = []
    declared = {line.name for line in adopted.asking if adopted.is_source}
    for name in dict.fromkeys(pinned.name for pinned in adopted.pinned):
        says = _says(adopted.find(name))
        if adopted.is_source:
            is_direct = name in declared or says is True
        else:
            is_typed = name not in needed or any(
                pin.line.requirement is not None and pin.line.requirement.extras
                for pin in adopted.find(name)
            )
            is_direct = is_typed if says is None else says
        if name in direct or (is_direct and name not in transitive):
            found.append(name)
    return found


def _reach(
    roots: Iterable[NormalizedName], children: Mapping[NormalizedName, Collection[NormalizedName]]
) -> dict[NormalizedName, NormalizedName]:
    """Return what is reached from roots, with the first root that reaches it."""
    first: dict[NormalizedName, NormalizedName] = {}
    every = [*roots]
    first.update({root: root for root in every})
    for root in every:
        reached = [root]
        for name in reached:  # it grows on the way
            for child in sorted(children.get(name, ())):
                if child not in first:
                    first[child] = root
                    reached.append(child)
    return first


# --- the result -----------------------------------------------------------------------------------


def write_adopted(adopted: Adopted, roles: Roles) -> RequirementsFile:
    """Return the file that is made of what is adopted: a line for each pin."""
    content = adopted.base
    pins: list[Pin] = []
    gone: set[int] = set()
    used: set[str] = set()
    for place, line in enumerate(content.lines):
        found = adopted.find(line.name)
        if not found or line.requirement is None or line.requirement.url:
            continue
        pinned = adopted.pin_of(line)
        if pinned is None and line.number in adopted.unread:
            continue
        has_no_place = bool(line.requirement.extras) and line.name in roles.parents
        if pinned is None or has_no_place or pinned.line.place in used:
            gone.add(place)
            continue
        used.add(pinned.line.place)
        pins.append(_pin(adopted, line, pinned, roles))
    before = len(content.lines)
    content = content.with_pins(pins)
    assert len(content.lines) == before
    content = content.without([content.lines[place] for place in gone])
    blank = takewhile(lambda line: line.kind is Kind.BLANK, reversed(content.lines))
    content = _with_options(content.without([*blank]), adopted.options)
    left = (each for each in adopted.pinned if each.line.place not in used)
    return content.with_requirements([_spell(adopted, each, roles) for each in left])


def _pin(adopted: Adopted, line: Line, pinned: Pinned, roles: Roles) -> Pin:
    return Pin(
        line=line,
        version=pinned.version,
        digests=() if line.option_values("--hash") else pinned.hashes,
        comment=_comment(adopted, line, pinned.name, roles),
        extras=tuple(sorted(pinned.line.extras - line.extras)),
    )


def _comment(adopted: Adopted, line: Line, name: NormalizedName, roles: Roles) -> str:
    """Return the comment of a line that the base has."""
    own = line.comment
    if own and not adopted.is_source and read_annotation([own]):
        own = ""
    parents = roles.parents.get(name, ())
    if parents:
        via = f"# {_via(adopted, name, parents)}"
        return f"{via}  {own}" if own else via
    assert line.requirement is not None
    limit = _limit(adopted, name)
    new = comment_with_policy(line, limit, line.requirement.specifier)
    return own if new is None else new


def _via(adopted: Adopted, name: NormalizedName, parents: Iterable[NormalizedName]) -> str:
    via = write_via(parents)
    limit = _limit(adopted, name)
    return change_policy(f"# {via}", limit)[2:] if limit else via


def _limit(adopted: Adopted, name: NormalizedName) -> str:
    """Return the policy that constraints, and other lines of a source, become for a project."""
    lines = [line for line in adopted.limits if line.name == name]
    if adopted.is_source:
        lines += [line for line in adopted.asking if line.name == name][1:]
    versions = [pinned.version for pinned in adopted.find(name)]
    clauses = [
        clause
        for line in lines
        if line.requirement is not None and line.pin is None and not line.requirement.url
        for clause in split_clauses(typed_specifier(line))
        if bounds_pin(clause)
        and all(Specifier(clause).contains(v, prereleases=True) for v in versions)
    ]
    return ",".join(dict.fromkeys(clauses))


def _spell(adopted: Adopted, pinned: Pinned, roles: Roles) -> Addition:
    """Return the line of a pin that the base does not have."""
    requirement = Requirement(str(pinned.line.requirement))
    parents = roles.parents.get(pinned.name, ())
    comment = _via(adopted, pinned.name, parents) if parents else ""
    if parents:
        requirement.extras = set()  # those that need it ask for them
    else:
        for line in adopted.asking if adopted.is_source else ():
            if line.name == pinned.name and line.requirement is not None:
                requirement.extras |= line.requirement.extras
                comment = comment or _comment(adopted, line, pinned.name, roles).lstrip("# ")
    return Addition(
        requirement=requirement,
        digests=pinned.hashes,
        comment=comment,
        near=roles.origins.get(pinned.name),
        sort="insert",
    )


def _with_options(content: RequirementsFile, options: Iterable[Line]) -> RequirementsFile:
    """Return a file with options at its top."""
    texts = [f"{line.content}\n" for line in options]
    if not texts:
        return content
    if content.lines and not content.lines[0].file_options:
        texts.append("\n")
    return content.with_texts([*texts, *(line.text for line in content.lines)])


# --- the drafts -----------------------------------------------------------------------------------


def draft_adopt(inputs: Inputs, adopted: Adopted, roles: Roles) -> Iterator[Draft]:
    """Report what is adopted, and lock what the pins lack; ``inputs`` have the result.

    Raises:
        RequirementsError: a version would move, or the files pin hashes and the index has none.
        VersionConflict: the requirements conflict.
    """
    yield from roles.notices
    yield warn(*adopted.lost, *_lost_limits(adopted))
    settlement = settle_current(inputs, waive=False)
    parts = [*lock_all(settlement, find_transitive(settlement).lines)]
    _require_same(parts, adopted)
    yield from parts
    yield warn(*_tell_added(parts, adopted))
    names = {pinned.name for pinned in adopted.pinned}
    names |= {line.name for line in adopted.base.lines if line.name is not None}
    direct = sorted(names - roles.parents.keys())
    yield hint(f"direct requirements ({len(direct)}): {', '.join(direct)}")
    shown = ", ".join(sorted(roles.parents)) or "none"
    yield hint(f"transitive dependencies ({len(roles.parents)}): {shown}")
    if not adopted.is_source:
        yield hint("`adopt --direct NAMES` and `--transitive NAMES` correct these lists")
    else:
        comments = _policies(adopted, roles)
        yield from tell_policies(comments, is_optional=False)
    if adopted.needless:
        yield hint(f"no longer needed: {', '.join(adopted.needless)}; nothing is deleted")


def _require_same(parts: Sequence[Draft], adopted: Adopted) -> None:
    """Check that no pin would move or go.

    Raises:
        RequirementsError: one would.
    """
    for part in parts:
        for pin in part.pins:
            if pin.version != pin.line.pin:
                line = pin.line
                raise _would_move(
                    f"move {line.spelled_name} from {line.pin} to {pin.version}", adopted
                )
    added = {(each.written.requirement.name, each.version) for each in _additions(parts)}
    for line in (line for part in parts for line in part.removals):
        if line.name is not None and (line.name, line.pin) not in added:
            raise _would_move(f"take {line.spelled_name} {line.pin} out", adopted)


def _additions(parts: Iterable[Draft]) -> Iterator[PlannedAddition]:
    for part in parts:
        yield from part.additions


def _tell_added(parts: Iterable[Draft], adopted: Adopted) -> Iterator[str]:
    """Yield what the pins lack, and which version of it is locked."""
    there = " and ".join(adopted.compiled)
    for each in _additions(parts):
        name = canonicalize_name(each.written.requirement.name)
        if not adopted.find(name):
            yield f"{there} has no {name}, which is needed; it is locked at {each.version}"


def list_adopted(
    edits: Iterable[Edit], changes: Collection[Change], inputs: Inputs
) -> Iterator[Change]:
    """Yield the pins of the result that keep their version; ``changes`` are those that do not."""
    told = {(change.file, change.line) for change in changes}
    for edit in edits:
        for line in RequirementsFile.from_bytes(edit.after, path=edit.shown).lines:
            if line.pin is not None and (line.path, line.number) not in told:
                yield change_of(line, line.pin, line.pin, environments_of(inputs, line))


def find_steps(
    builds: Iterable[Build], library: Library, adopted: Adopted, main: str
) -> Iterator[Finding]:
    """Yield the install steps that do not read the result, with what to write there."""
    for build in builds:
        if isinstance(build.parsed, DockerfileError):
            continue
        reads_none = not build.installing
        name = show_path(library.path_of(main), build.recipe.context)
        for step, names, is_with_main in _steps_of(build, library, main):
            old = [each for each in names if each != main and each in adopted.compiled]
            if not old:
                continue
            reads_none = False
            shown = " and ".join(old)
            message, fix = f"it also installs {shown}, which {main} has now", "take it out"
            if not is_with_main:
                message = f"it installs {shown}, not {main}"
                fix = _way_to_install(name, step.installer)
                if main in adopted.compiled:
                    fix = f"`adopt --file {old[0]}` adopts that by itself; or {fix}"
            yield _find_step(build, step.line, message, fix)
        if reads_none and not build.by_others:
            message = f"no step installs {main}"
            yield _find_step(build, None, message, _way_to_install(name, "pip"))


def keep_installed(
    adopted: Adopted, builds: Iterable[Build], library: Library, main: str
) -> Adopted:
    """Return what is adopted; a file that another image installs by itself is still needed."""
    if main not in adopted.compiled:  # the steps that install the others are to install it
        return adopted
    kept = {
        name
        for build in builds
        for _, names, is_with_main in _steps_of(build, library, main)
        for name in names
        if not is_with_main
    }
    return replace(adopted, needless=tuple(each for each in adopted.needless if each not in kept))


def leave_folders(adopted: Adopted, builds: Iterable[Build]) -> Adopted:
    """Return what is adopted without the folders that only the compiling machine has.

    The image may have a folder that a Dockerfile names. It may have any, where the base image is
    not an official one or the sources are unknown.
    """
    texts: list[str] = []
    for build in builds if adopted.is_source else ():
        if isinstance(build.parsed, DockerfileError):
            return adopted
        if any("/" in stage.base for stage in build.parsed.stages if stage.parent is None):
            return adopted
        texts.append(build.recipe.text)

    def is_of_machine(line: Line) -> bool:
        folders = [_folder_of(*each) for each in line.file_options]
        return all(each and not any(each in text for text in texts) for each in folders)

    left = [line for line in adopted.options if texts and is_of_machine(line)]
    return replace(
        adopted,
        options=tuple(line for line in adopted.options if line not in left),
        lost=(*adopted.lost, *map(tell_folder, left)),
    )


def _folder_of(option: str, value: str) -> str:
    """Return the folder that ``--find-links`` names by its whole path, or nothing."""
    path = unquote(value.removeprefix("file://"))
    return path.rstrip("/") if option == "--find-links" and path.startswith(("/", "~")) else ""


def _steps_of(
    build: Build, library: Library, main: str
) -> Iterator[tuple[InstallCommand, list[str], bool]]:
    """Yield the steps of a build, their files, and whether their stages install ``main`` as well.

    That are stages that are made on each other.
    """
    dockerfile = build.parsed
    if isinstance(dockerfile, DockerfileError):
        return
    named = [(step, build.recipe.names(step.sources, library)) for step in dockerfile.steps]
    with_main = {step.stage for step, names in named if main in names}
    for step, names in named:
        is_with_main = any(
            step.stage in dockerfile.needed_by(stage) or stage in dockerfile.needed_by(step.stage)
            for stage in with_main
        )
        yield step, names, is_with_main


def _way_to_install(name: str, installer: str) -> str:
    program = "uv pip install --system" if installer == "uv" else "pip install"
    return f"write `COPY {name} ./{name}` and `RUN {program} -r {name}`"


def _find_step(build: Build, line: int | None, message: str, fix: str) -> Finding:
    return Finding(
        code="not-installed",
        file=build.recipe.path,
        line=line,
        severity="warning",
        message=message,
        fix=fix,
    )


def _policies(adopted: Adopted, roles: Roles) -> Iterator[tuple[Line, str | None]]:
    seen: set[NormalizedName] = set()
    for line in adopted.asking:
        name = line.name
        if name is None or name in seen or line.requirement is None or not adopted.find(name):
            continue
        seen.add(name)
        yield line, _comment(adopted, line, name, roles)


def _lost_limits(adopted: Adopted) -> Iterator[str]:
    """Yield the constraints that no line keeps as its policy."""
    for line in adopted.limits:
        requirement = line.requirement
        clauses = [] if requirement is None else split_clauses(str(requirement.specifier))
        if not adopted.find(line.name):
            if any(map(bounds_pin, clauses)):
                yield f"{line.content} ({line.place}) limits nothing that is pinned; it is not kept"
        elif requirement is None or requirement.url:
            yield f"{line.content} ({line.place}) can't be a policy; it is not kept"


def _would_move(what: str, adopted: Adopted) -> RequirementsError:
    return RequirementsError(
        f"adopting it would {what}",
        path=adopted.compiled[0],
        hint="compile it for the image's Python and platform first",
    )
