"""The inputs of every command: the manifest, the environment, the candidates within limits.

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
from packaging.utils import NormalizedName, canonicalize_name

from ..errors import ProjectNotFound
from ..resolution import Candidates, Limits, Preference, Root, dependency_of
from ..resolution.finder import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.version import Version

    from ..environments.environment import Environment
    from ..environments.rules import InstallRules
    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Catalog
    from ..resolution.finder import Releases
    from ..target import Target


class Inputs(Struct, frozen=True, kw_only=True):
    """What a command plans from.

    Attributes:
        manifest: the requirements files.
        environments: what versions are chosen for; one, until several are supported.
        candidates: what the indexes have for its target, within limits.
        unseen: the ``--find-links`` whose files are unknown, as messages write them, and why.
        resolves: versions are chosen that are compatible; else the newest of each by itself.
        notices: warnings that come before those of the command.
        last_notices: warnings that come after them.
    """

    manifest: Manifest
    environments: tuple[Environment, ...]
    candidates: Candidates
    resolves: bool
    unseen: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    last_notices: tuple[str, ...] = ()

    @property
    def rules(self) -> InstallRules:
        """What the install step says."""
        (environment,) = self.environments
        return environment.rules

    @property
    def target(self) -> Target:
        """The target that candidates have to suit."""
        return self.candidates.target

    @property
    def limits(self) -> Limits:
        """The limits of the candidates."""
        return self.candidates.limits

    def within(self, limits: Limits) -> Inputs:
        """Return the same within other limits."""
        return replace(self, candidates=self.candidates.within(limits))

    def bounding(self, line: Line, bounds: Iterable[Bound]) -> Inputs:
        """Return the same with versions of a line's project kept out."""
        assert line.name is not None
        return self.within(self.limits.bounding(line.name, bounds))


def releases(inputs: Inputs, name: str, *, hint: str = "") -> Releases:
    """Return the releases of a project.

    ``hint`` says what to do if the index does not have it; by default a similar name of the files.

    Raises:
        ProjectNotFound: the index does not have it.
        PackageIndexError: the index failed.
    """
    wanted = canonicalize_name(name)
    try:
        inputs.candidates.catalog.files(wanted)
    except ProjectNotFound as error:
        known = {str(line.name): line for line in inputs.manifest.lines if line.name}
        close = get_close_matches(wanted, set(known) - {wanted}, n=1, cutoff=0.75)
        if close and not hint:
            there = known[close[0]]
            hint = f"did you mean {there.spelled_name}, which is there ({there.place})?"
        hint = hint or hint_at_unseen(inputs)
        raise ProjectNotFound(error.message, url=error.url, hint=hint or error.hint) from error
    return inputs.candidates.releases(wanted)


def hint_at_unseen(inputs: Inputs) -> str:
    """Return where versions may come from that no index has, or nothing."""
    return f"it may come {_from_unseen(inputs)}" if inputs.unseen else ""


def _from_unseen(inputs: Inputs) -> str:
    shown, why = inputs.unseen[0]
    return f"from {shown}, which {why}"


def why_nowhere(inputs: Inputs, line: Line) -> str:
    """Return that neither an index nor what ``--find-links`` lists has a line's project.

    A folder of the build context may be filled before the build; without one, this is nothing.
    """
    links = inputs.rules.links
    if not links.are_seen or line.name is None or line.requirement is None:
        return ""
    if inputs.candidates.releases(line.name).all:
        return ""
    where = "neither on the index nor in" if inputs.rules.index_urls else "not in"
    return f"{where} {' or '.join(links.seen)}"


def why_unseen(inputs: Inputs, line: Line) -> str:
    """Return why a line's version is unknown: no index has it, and something can't be read."""
    if not inputs.unseen or line.name is None or line.requirement is None:
        return ""
    found = inputs.candidates.releases(line.name)
    is_there = found.pinned(line.pin) if line.pin else found.allowed(line.requirement.specifier)
    return "" if is_there else f"perhaps {_from_unseen(inputs)}"


def is_held(line: Line) -> bool:
    """Return whether a line's policy is to hold."""
    return line.policy is not None and line.policy.is_hold


def allowed_by_policy(line: Line) -> SpecifierSet:
    """Return the versions that a line's policy allows; ``hold`` allows all, see ``is_held``."""
    return SpecifierSet() if line.policy is None else line.policy.specifier


def policy_bounds(line: Line) -> Iterator[Bound]:
    """Yield what a line's policy keeps out; ``hold`` keeps everything but the pin out."""
    policy = line.policy
    if policy is None:
        return
    if policy.is_hold:
        yield only_version(line, f"is kept out by its policy, hold ({line.place})")
    else:
        reason = f"does not satisfy its policy {policy.text} ({line.place})"
        yield Bound(specifier=policy.specifier, reason=reason, is_ours=True)


def only_version(line: Line, reason: str) -> Bound:
    """Keep every version but that of a pin out."""
    specifier = SpecifierSet(f"=={line.pin}" if line.pin else "")
    return Bound(specifier=specifier, reason=reason, is_ours=True)


def prepare(
    manifest: Manifest,
    environments: tuple[Environment, ...],
    catalog: Catalog,
    *,
    resolve: bool,
    unseen: tuple[tuple[str, str], ...] = (),
    in_any_case: bool = False,
) -> Inputs:
    """Return the inputs of a command, from a manifest that is complete.

    ``unseen`` are the ``--find-links`` whose files are unknown, and why.
    Where the install step installs without dependencies, ``resolve`` counts only for locked files
    and ``in_any_case``.

    Raises:
        RequirementsError: the policy of a locked line is malformed.
    """
    (environment,) = environments
    target, rules = environment.target, environment.rules
    told: tuple[str, ...] = ()
    if rules.without_dependencies and resolve and not in_any_case and not manifest.is_locked:
        told = (
            f"{rules.without_dependencies} installs without dependencies: "
            "the dependencies of the pins were not resolved",
        )
        resolve = False
    of_unseen = [f"{shown} {why}; what it has in the image is unknown" for shown, why in unseen]
    return Inputs(
        manifest=manifest,
        environments=environments,
        candidates=Candidates(catalog, target, _limits(manifest, target, rules)),
        resolves=resolve,
        unseen=unseen,
        notices=told,
        last_notices=tuple(dict.fromkeys((*of_unseen, *environment.notices, *manifest.notices))),
    )


def _limits(manifest: Manifest, target: Target, rules: InstallRules) -> Limits:
    """Return the first limits of a command: no locked line moves, no pin is too young."""
    pins: dict[NormalizedName, set[Version]] = {}
    for line in manifest.lines:
        is_read = line.marker is None or target.applies(line.marker)
        if line.name is not None and line.pin is not None and is_read:
            pins.setdefault(line.name, set()).add(line.pin)
    preferences = {
        line.name: Preference(version=line.pin)
        for line in manifest.locked
        if line.name and line.pin and (line.marker is None or target.applies(line.marker))
    }
    admissions = {
        name: replace(
            rules.admissions.get(name, rules.admission), pins=frozenset(pins.get(name, ()))
        )
        for name in {*pins, *rules.admissions}
    }
    limits = Limits(
        constraints=MappingProxyType(_constraints(manifest, target)),
        overridden=MappingProxyType(_overridden(manifest, target)),
        preferences=MappingProxyType(preferences),
        admissions=MappingProxyType(admissions),
        admission=rules.admission,
    )
    for line in manifest.locked:
        if line.name is not None and (line.marker is None or target.applies(line.marker)):
            limits = limits.bounding(line.name, policy_bounds(line))
    return limits


def _constraints(manifest: Manifest, target: Target) -> dict[NormalizedName, tuple[Bound, ...]]:
    """Return what the constraints files and overrides keep out."""
    found: dict[NormalizedName, tuple[Bound, ...]] = {}
    limiting = [line for each in manifest.constraints.values() for line in each.lines]
    for line in (*limiting, *manifest.overrides):
        requirement = line.requirement
        if line.name is None or requirement is None or not requirement.specifier:
            continue
        if requirement.marker is None or target.applies(requirement.marker):
            reason = f"does not satisfy {requirement.specifier} ({line.place})"
            bound = Bound(specifier=requirement.specifier, reason=reason)
            found[line.name] = (*found.get(line.name, ()), bound)
    return found


def _overridden(manifest: Manifest, target: Target) -> dict[NormalizedName, bool]:
    """Return the projects that overrides are for, and whether one gives an address."""
    return {
        line.name: line.requirement is None or line.requirement.url is not None
        for line in manifest.overrides
        if line.name is not None and (line.marker is None or target.applies(line.marker))
    }


def reads(inputs: Inputs, line: Line) -> bool:
    """Return whether a line counts for the target, on one platform at least."""
    return line.marker is None or inputs.target.applies(line.marker)


def is_partial(inputs: Inputs, line: Line) -> bool:
    """Return whether another line is for the same project on some platforms."""
    if line.marker is None or line.name is None or inputs.target.covers([line.marker]):
        return False
    others = (each for each in inputs.manifest.find(line.name) if each is not line and each.marker)
    return reads(inputs, line) and any(reads(inputs, other) for other in others)


def root_of(inputs: Inputs, line: Line) -> Root | None:
    """Return what a line asks of the target, or None."""
    requirement = line.requirement
    if line.name is None or not reads(inputs, line):
        return None
    specifier, extras, is_opaque = SpecifierSet(), frozenset[str](), True
    has_url = requirement is None or requirement.url is not None
    if requirement and not (has_url or line.has_variable or is_partial(inputs, line)):
        specifier, is_opaque = requirement.specifier, False
        extras = frozenset(canonicalize_name(extra) for extra in requirement.extras)
    return Root(
        name=line.name,
        specifier=specifier,
        source=line.place,
        place=line.place,
        shown=line.spelled_name if is_opaque else f"{line.spelled_name}{specifier}",
        extras=extras,
        pin=line.pin,
        is_opaque=is_opaque,
        local=line.pin.local if line.pin is not None else None,
    )


def roots_of(inputs: Inputs) -> list[Root]:
    """Return what the files ask of the target; locked lines ask nothing."""
    own = [root_of(inputs, line) for line in inputs.manifest.direct]
    others = [root_of(inputs, line) for line in inputs.manifest.siblings]
    beside = [replace(root, is_beside=True) for root in others if root is not None]
    return [*(root for root in own if root is not None), *beside]


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
