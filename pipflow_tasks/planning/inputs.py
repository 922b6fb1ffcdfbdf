"""The inputs of every command: the manifest, who reads it, the candidates within limits.

Lines become the roots of a search here. A command that promotes a line or bounds a project goes on
with new inputs.
"""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from ..environments.links import NOT_IN_CONTEXT
from ..errors import ProjectNotFound
from ..resolution import (
    Candidates,
    Key,
    Limits,
    Partition,
    Root,
    dependency_of,
    in_each,
    project_of,
)
from ..values import join_words
from .readers import first_limits, list_readers, part_readers, view_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from packaging.markers import Marker
    from packaging.utils import NormalizedName

    from ..environments.environment import Environment
    from ..environments.rules import InstallRules
    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Pick
    from ..resolution.finder import Bound, Candidate, Releases
    from .readers import Reader, Served

_CLOSE = 0.75
"""How similar a name has to be to be the one that was meant, as ``difflib`` counts."""


class Inputs(Struct, frozen=True, kw_only=True):
    """What a command plans from.

    Attributes:
        manifest: the requirements files, with what counts for any environment besides.
        served: the environments that they are for.
        readers: who reads them; numbered as the partition of the candidates has it.
        candidates: what the indexes have for them, within limits.
        resolves: versions are chosen that are compatible; else the newest of each by itself.
        apart: the projects that have several versions in one file, separated by markers.
        sources: where lines come from that are not in the files yet, by their places.
        notices: warnings that come before those of the command.
        last_notices: warnings that come after them.
    """

    manifest: Manifest
    served: tuple[Served, ...]
    readers: tuple[Reader, ...]
    candidates: Candidates
    resolves: bool
    apart: frozenset[NormalizedName] = frozenset()
    sources: Mapping[str, str] = MappingProxyType({})
    notices: tuple[str, ...] = ()
    last_notices: tuple[str, ...] = ()

    @property
    def environments(self) -> tuple[Environment, ...]:
        """What versions are chosen for."""
        return tuple(each.environment for each in self.served)

    @property
    def rules(self) -> tuple[InstallRules, ...]:
        """What the install steps of each environment say."""
        return tuple(environment.rules for environment in self.environments)

    @property
    def unseen(self) -> tuple[tuple[str, str], ...]:
        """The ``--find-links`` whose files are unknown, and why."""
        return tuple(dict.fromkeys(unseen for each in self.served for unseen in each.unseen))

    @property
    def skips_dependencies(self) -> str:
        """The place of the install step, where every one installs without dependencies."""
        return _skip(self.rules)

    @property
    def limits(self) -> Limits:
        """The limits of the candidates."""
        return self.candidates.limits

    @property
    def partition(self) -> Partition:
        """In which environments a project has one version."""
        return self.candidates.partition

    def within(self, limits: Limits) -> Inputs:
        """Return the same within other limits."""
        return replace(self, candidates=self.candidates.within(limits))

    def bounding(self, line: Line, bounds: Iterable[Bound]) -> Inputs:
        """Return the same with versions of a line's project kept out, where it is read."""
        limits, kept = self.limits, [*bounds]
        for key in keys_of(self, line):
            limits = limits.bounding(key, kept)
        return self.within(limits)

    def holding(self, project: NormalizedName, readers: Iterable[int]) -> Inputs:
        """Return the same with one version of a project for all of some readers."""
        return self.parted(self.partition.joining(project, readers))

    def parted(self, partition: Partition) -> Inputs:
        """Return the same with another partition."""
        before = self.partition
        if partition is before:
            return self

        def rekey(key: Key) -> tuple[Key, ...]:
            return partition.keys(project_of(key), before.part_of(key))

        limits, views = self.limits.renamed(rekey), self.candidates.views
        return replace(self, candidates=Candidates(views, partition, limits))


def readers_of(inputs: Inputs, line: Line) -> tuple[int, ...]:
    """Return the numbers of those who read a line."""
    return tuple(place for place, each in enumerate(inputs.readers) if each.reads(line))


def readers_of_file(inputs: Inputs, path: str) -> tuple[int, ...]:
    """Return the numbers of those who read a file."""
    every = enumerate(inputs.readers)
    return tuple(number for number, each in every if path in each.manifest.requirements)


def keys_of(inputs: Inputs, line: Line) -> tuple[Key, ...]:
    """Return the keys of a line's project for those who read it; one, if it holds a version."""
    assert line.name is not None
    return inputs.partition.keys(line.name, readers_of(inputs, line) or (0,))


def names_only_in(inputs: Inputs, places: Collection[str]) -> frozenset[NormalizedName]:
    """Return the projects that lines at some places have, and no other direct requirement."""
    meant = (line.name for line in inputs.manifest.lines if line.place in places)
    others = {line.name for line in inputs.manifest.direct if line.place not in places}
    return frozenset(name for name in meant if name is not None and name not in others)


def key_of(inputs: Inputs, line: Line) -> Key:
    """Return the key of the project of a line that holds, or will hold, one version."""
    return keys_of(inputs, line)[0]


def holding_lines(inputs: Inputs, lines: Iterable[Line]) -> Inputs:
    """Return the inputs with lines that will hold one version each."""
    for line in lines:
        if line.name is not None:
            inputs = inputs.holding(line.name, readers_of(inputs, line))
    return inputs


def readers_of_new(inputs: Inputs, marker: Marker | None = None) -> tuple[int, ...]:
    """Return the numbers of those who read a new line of the main file; all, if nobody does."""
    main = readers_of_file(inputs, inputs.manifest.main)
    targets = ((number, inputs.readers[number].target) for number in main)
    meant = tuple(n for n, target in targets if marker is None or target.applies(marker))
    return meant or main or tuple(range(len(inputs.readers)))


def each_of(inputs: Inputs, key: Key, candidate: Candidate) -> Iterator[tuple[Candidate, int]]:
    """Yield what each reader of a key gets of a candidate, with the number of the reader."""
    for number, own in zip(inputs.partition.part_of(key), candidate.each, strict=True):
        yield own, number


def readers_in(inputs: Inputs, names: Collection[str]) -> tuple[int, ...]:
    """Return the numbers of those who read in environments of some names."""
    every = enumerate(inputs.readers)
    return tuple(number for number, each in every if each.environment.name in names)


def environments_of(inputs: Inputs, line: Line) -> tuple[str, ...]:
    """Return the names of the environments that a line counts for."""
    return tuple(each.environment.name for each in inputs.served if each.reads(line))


def applies(inputs: Inputs, marker: Marker | None) -> bool:
    """Return whether a marker applies to an environment on one of its platforms."""
    return marker is None or any(each.target.applies(marker) for each in inputs.readers)


def names_of(inputs: Inputs, numbers: Iterable[int]) -> tuple[str, ...]:
    """Return the names of the environments of some readers."""
    found = (inputs.readers[number].environment.name for number in sorted(numbers))
    return tuple(dict.fromkeys(found))


def say_readers(inputs: Inputs, numbers: Iterable[int]) -> str:
    """Return the names of some readers, in words; nothing where they are all."""
    meant = {*numbers}
    if len(meant) == len(inputs.readers):
        return ""
    words: dict[str, None] = {}
    for number in sorted(meant):
        reader = inputs.readers[number]
        own = [n for n, each in enumerate(inputs.readers) if each.environment is reader.environment]
        words[reader.environment.name if meant.issuperset(own) else reader.name] = None
    return join_words([*words])


def say_picks(inputs: Inputs, picks: Iterable[Pick]) -> list[str]:
    """Return picks in words, each version once; with who has it, where others do not."""
    found: dict[str, list[int]] = {}
    for pick in picks:
        shown = f"{pick.project} {pick.version}" if pick.candidate else pick.project
        found.setdefault(shown, []).extend(inputs.partition.part_of(pick.name))
    return [
        f"{shown} in {where}" if (where := say_readers(inputs, numbers)) else shown
        for shown, numbers in found.items()
    ]


def say_targets(inputs: Inputs, key: Key | None = None) -> str:
    """Return the targets of all environments, or of those that a key stands for, in words."""
    numbers = range(len(inputs.readers)) if key is None else inputs.partition.part_of(key)
    part = [inputs.readers[number] for number in numbers]
    words: list[str] = []
    for environment in inputs.environments:
        own = [each for each in inputs.readers if each.environment is environment]
        meant = [each for each in own if each in part]
        is_whole = bool(meant) and len(meant) == len(own)
        targets = [environment.target] if is_whole else [each.target for each in meant]
        where = f" ({environment.name})" if len(inputs.environments) > 1 else ""
        words += [f"{target}{where}" for target in targets]
    return " and ".join(words)


def releases(inputs: Inputs, key: Key, *, hint: str = "") -> Releases:
    """Return the releases of a project.

    ``hint`` says what to do if the index does not have it; by default a similar name of the files.

    Raises:
        ProjectNotFound: the index does not have it.
        PackageIndexError: the index failed.
    """
    wanted = project_of(key)
    try:
        for _, view in inputs.candidates.views_of(key):
            view.catalog.files(wanted)
    except ProjectNotFound as error:
        hint = hint or near_listed(inputs, wanted) or hint_at_unseen(inputs)
        hint = hint or hint_at_host(inputs)
        raise error.hinting(hint or error.hint) from error
    return inputs.candidates.releases(key)


def near_listed(inputs: Inputs, wanted: NormalizedName) -> str:
    """Return a hint at a listed project with a similar name, or nothing."""
    known = {str(line.name): line for line in inputs.manifest.lines if line.name}
    there = known.get(find_close(wanted, known))
    if there is None:
        return ""
    return f"did you mean {there.spelled_name}, which is listed ({there.place})?"


def find_close(wanted: str, known: Iterable[str]) -> str:
    """Return the name that is nearest to a wrong one; empty: none is near."""
    return next(iter(get_close_matches(wanted, {*known} - {wanted}, n=1, cutoff=_CLOSE)), "")


def hint_at_unseen(inputs: Inputs) -> str:
    """Return where versions may come from that no index has, or nothing."""
    return f"it may come {_from_unseen(inputs)}" if inputs.unseen else ""


def hint_at_host(inputs: Inputs) -> str:
    """Return what pip's settings on this host name and only this host has, or nothing."""
    return "; ".join(dict.fromkeys(note for each in inputs.rules for note in each.passed_over))


def _from_unseen(inputs: Inputs) -> str:
    shown, why = inputs.unseen[0]
    return f"from {shown}, which {why}"


def why_nowhere(inputs: Inputs, line: Line) -> str:
    """Return that neither an index nor what ``--find-links`` lists has a line's project.

    A folder of the build context may be filled before the build; without one, this is nothing.
    """
    if line.name is None or line.requirement is None:
        return ""
    for number in readers_of(inputs, line):
        rules = inputs.readers[number].environment.rules
        key = inputs.partition.key(line.name, number)
        if rules.links.are_seen and not inputs.candidates.releases(key).all:
            where = "neither on the index nor in" if rules.index_urls else "not in"
            return f"{where} {' or '.join(rules.links.seen)}"
    return ""


def why_unseen(inputs: Inputs, line: Line) -> str:
    """Return why a line's version is unknown: no index has it, and something can't be read."""
    if not inputs.unseen or line.name is None or line.requirement is None:
        return ""
    for key in keys_of(inputs, line):
        found = inputs.candidates.releases(key)
        is_there = found.pinned(line.pin) if line.pin else found.allowed(line.requirement.specifier)
        if not is_there:
            return f"perhaps {_from_unseen(inputs)}"
    return ""


def prepare(
    manifest: Manifest,
    served: tuple[Served, ...],
    *,
    resolve: bool,
    in_any_case: bool = False,
) -> Inputs:
    """Return the inputs of a command, from a manifest that is complete for the environments.

    Where the install steps install without dependencies, ``resolve`` counts only for locked files
    and ``in_any_case``.

    Raises:
        RequirementsError: the policy of a locked line is malformed.
    """
    told: tuple[str, ...] = ()
    place = _skip(each.environment.rules for each in served)
    if place and resolve and not in_any_case and not manifest.is_locked:
        told = (
            f"{place} installs without dependencies: "
            "the dependencies of the pins were not resolved",
        )
        resolve = False
    unseen = dict.fromkeys(unseen for each in served for unseen in each.unseen)
    of_unseen = [
        f"{shown} {why}; what it has in the image is unknown"
        + "; if the image does not have it, remove the option" * (why == NOT_IN_CONTEXT)
        for shown, why in unseen
    ]
    of_each = (notice for each in served for notice in each.environment.notices)
    # what suits the larger of two suits the other one; but a lock is complete in each
    reading = [each for each in served if manifest.has_lock or not each.environment.within]
    readers = list_readers(reading)
    partition = part_readers(manifest, readers)
    counts_all = in_any_case or manifest.has_lock or bool(place)
    return Inputs(
        manifest=manifest,
        served=served,
        readers=readers,
        candidates=Candidates(
            tuple(view_of(reader, counts_all=counts_all) for reader in readers),
            partition,
            first_limits(manifest, readers, partition),
        ),
        resolves=resolve,
        notices=told,
        last_notices=tuple(dict.fromkeys((*of_unseen, *of_each, *manifest.notices))),
    )


def _skip(rules: Iterable[InstallRules]) -> str:
    places = [each.without_dependencies for each in rules]
    return places[0] if all(places) else ""


def reads(inputs: Inputs, line: Line) -> bool:
    """Return whether a line counts for an environment."""
    return any(reader.reads(line) for reader in inputs.readers)


def root_of(inputs: Inputs, line: Line) -> Root | None:
    """Return what a line asks that holds, or will hold, one version; None where nobody reads it."""
    return next(iter(roots_of_line(inputs, line)), None)


def roots_of_line(inputs: Inputs, line: Line) -> Iterator[Root]:
    """Yield what a line asks, for each version that its readers may have."""
    requirement = line.requirement
    readers = readers_of(inputs, line) if line.name is not None else ()
    if line.name is None or not readers:
        return
    specifier, extras, is_opaque = SpecifierSet(), frozenset[str](), True
    has_url = requirement is None or requirement.url is not None
    if requirement and not (has_url or line.has_variable):
        specifier, is_opaque = requirement.specifier, False
        extras = frozenset(requirement.extras)
    for key in inputs.partition.keys(line.name, readers):
        part = [each for each in inputs.partition.part_of(key) if each in readers]
        yield Root(
            name=key,
            specifier=specifier,
            source=inputs.sources.get(line.place, line.place),
            place=line.place,
            shown=line.spelled_name if is_opaque else f"{line.spelled_name}{specifier}",
            extras=in_each(part, extras),
            pin=line.pin,
            is_opaque=is_opaque,
            local=line.pin.local if line.pin is not None else None,
        )


def roots_of(inputs: Inputs) -> list[Root]:
    """Return what the files ask of the environments; locked lines ask nothing."""
    own = [root for line in inputs.manifest.direct for root in roots_of_line(inputs, line)]
    others = [root for line in inputs.manifest.siblings for root in roots_of_line(inputs, line)]
    return [*own, *(replace(root, is_beside=True) for root in others)]


def as_given(inputs: Inputs, root: Root) -> Root:
    """Return a root as an installer takes it, where policies and cooldown leave it no version.

    Where an installer finds no version either, the root is opaque: it counts as satisfied.
    """
    candidates = inputs.candidates
    if root.is_opaque or candidates.first(dependency_of(root)) is not None:
        return root
    given = replace(root, is_given=True)
    if candidates.first(dependency_of(given)) is not None:
        return given
    return replace(root, is_opaque=True)
