"""Look-ups for one set of requirements files: what the index has, bounded by what they say."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from ..errors import NoCandidate, ProjectNotFound, RequirementsError, UsageError
from ..finder import Bound, Choice, choose, newest, summarise
from ..requirements import expand_variables
from ..resolution import Resolution, Want

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.version import Version

    from ..finder import Candidate
    from ..index import PackageIndex
    from ..pip_settings import PipSettings
    from ..requirements import Line
    from ..resolution import Candidates
    from ..settings import Settings
    from ..simple_api import DistributionFile
    from ..target import Target
    from .documents import Documents


def index_urls(
    documents: Documents, settings: Settings, pip: PipSettings, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the indexes to ask: what the settings or pip name, then what the files say of it.

    As for pip, ``--index-url`` in a file replaces all that came before it.

    Raises:
        UsageError: the files leave no index, or use a variable that is not set.
    """
    urls = [settings.index_url or pip.index_url]
    urls += [*settings.extra_index_url.split(), *pip.extra_index_urls]
    for line in documents.lines:
        for option, value in line.options:
            if option == "--no-index":
                urls = []
            elif option == "--index-url":
                urls = [_expand(value, line, environment)]
            elif option == "--extra-index-url":
                urls.append(_expand(value, line, environment))
    if not urls:
        raise UsageError("the requirements files say --no-index: versions can't be looked up")
    return tuple(dict.fromkeys(urls))


class Lookup:
    """The candidates for the projects of a set of requirements files.

    Attributes:
        target: what they have to suit.
        resolution: finds versions of several that go together, within the same bounds.
    """

    def __init__(self, documents: Documents, index: PackageIndex, target: Target) -> None:
        """Prepare to look projects up for a target."""
        self._documents = documents
        self._index = index
        self.target = target
        self.resolution = Resolution(index, target, self._bounds_on)
        self._bounds: dict[NormalizedName, tuple[Bound, ...]] = {}

    @property
    def candidates(self) -> Candidates:
        """What the index has, within the same bounds."""
        return self.resolution.candidates

    def bound(self, line: Line, bounds: Iterable[Bound]) -> None:
        """Keep versions of a line's project out, for this command."""
        assert line.name is not None
        self._bounds[line.name] = (*self._bounds.get(line.name, ()), *bounds)

    def wants(self) -> list[Want]:
        """Return what the files ask of the target, as it stands."""
        return [want for line in self._documents.lines if (want := self.want(line))]

    def want(self, line: Line) -> Want | None:
        """Return what a line asks of the target, or None."""
        requirement = line.requirement
        if line.name is None:
            return None
        if requirement is None or requirement.url is not None or line.has_variable:
            specifier, extras, is_opaque = SpecifierSet(), frozenset[str](), True
        elif requirement.marker and not self.target.applies(requirement.marker):
            return None
        else:
            specifier, is_opaque = requirement.specifier, False
            extras = frozenset(canonicalize_name(extra) for extra in requirement.extras)
        return Want(
            name=line.name,
            specifier=specifier,
            source=line.place,
            place=line.place,
            shown=line.spelled_name if is_opaque else f"{line.spelled_name}{specifier}",
            extras=extras,
            is_pin=line.pin is not None,
            is_opaque=is_opaque,
            local=line.pin.local if line.pin is not None else None,
        )

    def _bounds_on(self, name: NormalizedName) -> tuple[Bound, ...]:
        return (*self._bounds.get(name, ()), *self._constraints(name))

    def prefetch(self, names: Iterable[str]) -> None:
        """Fetch the pages of several projects at once."""
        self._index.prefetch(canonicalize_name(name) for name in names)

    def files(self, name: str, *, hint: str = "") -> tuple[DistributionFile, ...]:
        """Return every file that the index has of a project.

        Args:
            name: the project.
            hint: what to do if the index does not have it; else a close name that the files have.

        Raises:
            ProjectNotFound: the index does not have it.
            PackageIndexError: the index failed.
        """
        wanted = canonicalize_name(name)
        try:
            return self._index.files(wanted)
        except ProjectNotFound as error:
            known = {str(line.name): line for line in self._documents.lines if line.name}
            close = get_close_matches(wanted, set(known) - {wanted}, n=1, cutoff=0.75)
            if close and not hint:
                there = known[close[0]]
                hint = f"did you mean {there.spelled_name}, which is there ({there.place})?"
            raise ProjectNotFound(error.message, url=error.url, hint=hint or error.hint) from error

    def choose(
        self,
        name: str,
        specifier: SpecifierSet,
        *,
        prereleases: bool = False,
        local: str | None = None,
        hint: str = "",
    ) -> Choice:
        """Return the newest version of a project that satisfies everything.

        Args:
            name: the project.
            specifier: what was asked for.
            prereleases: take pre-releases like any other version.
            local: where given, only versions with this local label.
            hint: as for ``files``.
        """
        return choose(
            self.files(name, hint=hint),
            specifier=specifier,
            target=self.target,
            prereleases=prereleases,
            local=local,
            bounds=self._bounds_on(canonicalize_name(name)),
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

    def newest(self, name: str) -> Version | None:
        """Return the newest final version of a project, whether it suits or not."""
        return newest(self.files(name))

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
        files = [file for file in self.files(name) if file.version == version]
        lacking = [file.filename for file in files if algorithm not in file.hashes]
        if lacking or not files:
            raise RequirementsError(
                f"the index gives no {algorithm} of {', '.join(lacking) or name}, "
                "and the file pins hashes",
                path=like.path if like is not None else self._documents.main,
                line=like.number if like is not None else None,
                hint="use an index that gives hashes, or write this version by hand",
            )
        return tuple(sorted({f"{algorithm}:{file.hashes[algorithm]}" for file in files}))

    def _constraints(self, name: NormalizedName | str) -> Iterator[Bound]:
        for line in self._documents.constraints_on(name):
            requirement = line.requirement
            if requirement is None or requirement.url is not None or not requirement.specifier:
                continue
            if requirement.marker is None or self.target.applies(requirement.marker):
                yield Bound(
                    specifier=requirement.specifier,
                    reason=f"does not satisfy {requirement.specifier} ({line.place})",
                )


def _expand(url: str, line: Line, environment: Mapping[str, str]) -> str:
    expanded = expand_variables(url, environment)
    if "${" in expanded:
        variable = expanded[expanded.index("${") :].partition("}")[0] + "}"
        raise UsageError(
            f"{line.place}: the index address uses {variable}, which is not set",
            hint="set it in the environment; its value is neither written nor printed",
        )
    return expanded
