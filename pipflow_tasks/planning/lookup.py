"""Look-ups for one set of requirements files: what the index has, bounded by what they say."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from ..errors import NoCandidate, ProjectNotFound, RequirementsError
from ..resolution import Preference, Resolution, Root, Solution, dependency_of
from ..resolution.finder import Bound, summarise
from .bounds import policy_bounds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from packaging.version import Version

    from ..environments.rules import InstallRules
    from ..index import PackageIndex
    from ..manifest.documents import Manifest
    from ..requirements import Line
    from ..resolution import Candidates, Pick
    from ..resolution.finder import Admission, Candidate, Choice, Releases
    from ..target import Target


class Lookup:
    """The candidates for the projects of a set of requirements files.

    Attributes:
        target: what they have to suit.
        resolution: finds versions of several that go together, within the same bounds.
        standing: by project, the version that what is brought along has.
    """

    def __init__(
        self, manifest: Manifest, index: PackageIndex, target: Target, rules: InstallRules
    ) -> None:
        """Prepare to look projects up for a target."""
        self._manifest = manifest
        self._index = index
        self.target = target
        self._rules = rules
        self._admissions: dict[NormalizedName, Admission] = {}
        self._admitted: Collection[NormalizedName] | None = ()
        self.standing = {
            line.name: Preference(version=line.pin)
            for line in manifest.locked
            if line.name and line.pin
        }
        self.resolution = Resolution(
            index, target, self._bounds_on, lambda n: self.standing.get(n), self.admission
        )
        self._bounds: dict[NormalizedName, tuple[Bound, ...]] = {}
        for line in manifest.locked:
            self.bound(line, policy_bounds(line))
        self._constraints: dict[NormalizedName, tuple[Bound, ...]] = {}

    @property
    def candidates(self) -> Candidates:
        """What the index has, within the same bounds."""
        return self.resolution.candidates

    @property
    def without_dependencies(self) -> str:
        """Who says that the files are complete as they are, or nothing."""
        return self._rules.without_dependencies

    def let_rise(self, name: NormalizedName) -> None:
        """Take newer versions before the one that stands, and that one before any older."""
        if name in self.standing:
            self.standing[name] = replace(self.standing[name], may_rise=True)

    def admit_for(self, standing: Sequence[Root]) -> tuple[Pick, ...]:
        """Admit what else is not taken where what stands needs it: the image gets it in any case.

        That is what is too young, and what may go with the rest since its needs can't be known.

        Args:
            standing: what the files ask.

        Returns:
            the picks that were admitted.
        """
        found = self.resolution.solve(standing)
        if isinstance(found, Solution) or not (self._rules.has_cooldown or found.guesses):
            return ()
        self._admit(None)
        found = self.resolution.solve(standing)
        picks = found.picks.values() if isinstance(found, Solution) else ()
        admitted = tuple(
            pick
            for pick in picks
            if pick.candidate and (pick.candidate.too_young or self.candidates.is_unknown(pick))
        )
        self._admit([pick.name for pick in admitted])
        return admitted

    def _admit(self, names: Collection[NormalizedName] | None) -> None:
        self._admitted = names
        self._admissions.clear()

    def bound(self, line: Line, bounds: Iterable[Bound]) -> None:
        """Keep versions of a line's project out, for this command."""
        assert line.name is not None
        self._bounds[line.name] = (*self._bounds.get(line.name, ()), *bounds)

    def roots(self) -> list[Root]:
        """Return what the files ask of the target, as it stands; the closure asks nothing."""
        lines = (*self._manifest.direct, *self._manifest.siblings)
        return [root for line in lines if (root := self.root(line))]

    def root(self, line: Line) -> Root | None:
        """Return what a line asks of the target, or None."""
        requirement = line.requirement
        if line.name is None or not self.reads(line):
            return None
        is_address = requirement is None or requirement.url is not None
        if requirement is None or is_address or line.has_variable or self.is_partial(line):
            specifier, extras, is_opaque = SpecifierSet(), frozenset[str](), True
        else:
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

    def reads(self, line: Line) -> bool:
        """Tell whether a line counts for the target, on one platform at least."""
        marker = None if line.requirement is None else line.requirement.marker
        return marker is None or self.target.applies(marker)

    def is_partial(self, line: Line) -> bool:
        """Tell whether another line stands for a line's project on some of the platforms."""
        marker = None if line.requirement is None else line.requirement.marker
        if marker is None or line.name is None or self.target.covers([marker]):
            return False
        others = (each for each in self._manifest.find(line.name) if each is not line)
        return self.reads(line) and any(
            self.reads(other)
            for other in others
            if other.requirement is not None and other.requirement.marker is not None
        )

    def _bounds_on(self, name: NormalizedName) -> tuple[Bound, ...]:
        if name not in self._constraints:  # a search asks for them over and over
            self._constraints[name] = tuple(self.constraints(name))
        return (*self._bounds.get(name, ()), *self._constraints[name])

    def admission(self, name: NormalizedName) -> Admission:
        """Tell which files of a project the installer takes."""
        if name not in self._admissions:  # a search asks for it over and over
            pins = {line.pin for line in self._manifest.find(name) if line.pin is not None}
            admission = self._rules.admission(name, pins)  # no pin falls for its age
            is_admitted = self._admitted is None or name in self._admitted
            self._admissions[name] = replace(
                admission, takes_young=is_admitted, takes_guesses=is_admitted
            )
        return self._admissions[name]

    def prefetch(self, names: Iterable[str]) -> None:
        """Begin to fetch the pages of several projects."""
        self._index.prefetch(canonicalize_name(name) for name in names)

    def look_ahead(self, lines: Iterable[Line]) -> None:
        """Fetch what the newest versions for lines need, and what these need in turn."""
        roots = [root for line in lines if (root := self.root(line))]
        self.candidates.prefetch(replace(root, specifier=SpecifierSet()) for root in roots)

    def releases(self, name: str, *, hint: str = "") -> Releases:
        """Return what the index has of a project.

        Args:
            name: the project.
            hint: what to do if the index does not have it; else a close name that the files have.

        Raises:
            ProjectNotFound: the index does not have it.
            PackageIndexError: the index failed.
        """
        wanted = canonicalize_name(name)
        try:
            self._index.files(wanted)
        except ProjectNotFound as error:
            known = {str(line.name): line for line in self._manifest.lines if line.name}
            close = get_close_matches(wanted, set(known) - {wanted}, n=1, cutoff=0.75)
            if close and not hint:
                there = known[close[0]]
                hint = f"did you mean {there.spelled_name}, which is there ({there.place})?"
            raise ProjectNotFound(error.message, url=error.url, hint=hint or error.hint) from error
        return self.candidates.releases(wanted)

    def choose(
        self,
        name: str,
        specifier: SpecifierSet,
        *,
        prereleases: bool = False,
        local: str | None = None,
    ) -> Choice:
        """Return the newest version of a project that satisfies everything.

        Args:
            name: the project.
            specifier: what was asked for.
            prereleases: take pre-releases like any other version.
            local: where given, only versions with this local label.

        Raises:
            ProjectNotFound: the index does not have it.
            PackageIndexError: the index failed.
        """
        bounds = self._bounds_on(canonicalize_name(name))
        return self.releases(name).choose(
            specifier, prereleases=prereleases, local=local, bounds=bounds
        )

    def require(self, name: str, specifier: SpecifierSet, choice: Choice) -> Candidate:
        """Return the candidate that was chosen.

        Raises:
            NoCandidate: there is none.
        """
        if choice.candidate is not None:
            return choice.candidate
        asked = f" that satisfies {specifier}" if specifier else ""
        raise NoCandidate(
            f"no version of {name}{asked} suits {self.target}",
            reasons=summarise(choice.rejections) or ["the index lists no usable file"],
            hint="ask for another version, or change what stands against these",
        )

    def digests(self, name: str, version: Version, *, like: Line | None = None) -> tuple[str, ...]:
        """Return ``sha256:...`` of every file of a version, as pip-compile writes them.

        Args:
            name: the project.
            version: the release; each platform may take another file of it.
            like: a line whose algorithm is used instead of sha256.

        Raises:
            RequirementsError: the index does not tell this digest of every file.
        """
        written = like.option_values("--hash") if like is not None else ()
        algorithm = written[0].partition(":")[0] if written else "sha256"
        files = self.releases(name).files(version)
        lacking = [file.filename for file in files if algorithm not in file.hashes]
        if lacking or not files:
            raise RequirementsError(
                f"the index gives no {algorithm} of {', '.join(lacking) or name}, "
                "and the file pins hashes",
                path=like.path if like is not None else self._manifest.main,
                line=like.number if like is not None else None,
                hint="use an index that gives hashes, or write this version by hand",
            )
        return tuple(sorted({f"{algorithm}:{file.hashes[algorithm]}" for file in files}))

    def as_given(self, root: Root) -> Root:
        """Take what stands as an installer would, where the rules of this tool leave it no version.

        Where the installer finds none either, it counts for met: it is not made worse.
        """
        if root.is_opaque or self.candidates.first(dependency_of(root)) is not None:
            return root
        given = replace(root, is_given=True)
        if self.candidates.first(dependency_of(given)) is not None:
            return given
        return replace(root, is_opaque=True)

    def constraints(self, name: NormalizedName | str) -> Iterator[Bound]:
        """Yield what the constraints files say of a project."""
        for line in self._manifest.constraints_on(name):
            requirement = line.requirement
            if requirement is None or requirement.url is not None or not requirement.specifier:
                continue
            if requirement.marker is None or self.target.applies(requirement.marker):
                yield Bound(
                    specifier=requirement.specifier,
                    reason=f"does not satisfy {requirement.specifier} ({line.place})",
                )
