"""The order in which the versions of one project are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .finder import Candidate, names_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.utils import NormalizedName

    from .finder import Admission, Bound, Releases
    from .limits import Limits
    from .problem import Dependency


class Order(Struct, frozen=True, kw_only=True):
    """The versions of a project that satisfy dependencies and limits, as they are tried.

    Sets of versions are integers, as ``Releases`` has them.

    Attributes:
        releases: every version.
        allowed: the set that specifiers and bounds allow.
        kept: the set of the preferred version alone; empty without one.
        may_rise: newer versions come before the preferred one.
        labels: only versions with one of these local labels, where there are any.
        is_exact: a pin names the version, so a withheld one is taken.
        prefers_wheels: versions with a wheel come before all others.
        takes_prereleases: pre-releases count like other versions.
        may_fall_back: pre-releases are tried where no final version is left.
        takes_withheld: versions that are too young come last.
    """

    releases: Releases
    allowed: int
    kept: int
    may_rise: bool
    labels: frozenset[str]
    is_exact: bool
    prefers_wheels: bool
    takes_prereleases: bool
    may_fall_back: bool
    takes_withheld: bool

    @classmethod
    def of(
        cls,
        name: NormalizedName,
        dependencies: Sequence[Dependency],
        releases: Releases,
        limits: Limits,
    ) -> Order:
        """Return the order for all that is asked of a project."""
        roots = [each.root for each in dependencies if each.root is not None]
        is_given = any(root.is_given for root in roots)
        bounds = [b for b in limits.bounds_on(name) if not (is_given and b.is_ours)]
        specifiers = [each.specifier for each in dependencies]
        specifiers += [bound.specifier for bound in bounds]
        admission = limits.admission_of(name)
        preference = limits.preferences.get(name)
        kept = None if preference is None else releases.like(preference.version)
        allowed = releases.bits
        for specifier in specifiers:
            allowed &= releases.allowed(specifier)
        is_asked = any(not root.is_transitive for root in roots)
        return cls(
            releases=releases,
            allowed=allowed,
            kept=0 if kept is None else releases.bit(kept),
            may_rise=preference is not None and preference.may_rise,
            labels=frozenset(root.local for root in roots if root.local),
            is_exact=any(each.is_exact for each in dependencies)
            or any(names_exactly(bound.specifier) for bound in bounds),
            prefers_wheels=bool(admission.prefers_wheels),
            takes_prereleases=_takes_prereleases(admission, dependencies, bounds),
            # a pin of a pre-release installs it; for a range, not every pip falls back to one
            may_fall_back=admission.prereleases == "last" or is_asked or not any(specifiers),
            takes_withheld=is_given or limits.admits_all_of(name),
        )

    def candidates(self, *, may_fall_back: bool) -> Iterator[Candidate]:
        """Yield the candidates in order; pre-releases only where it may fall back to them."""
        bits = self.releases.bits if self.takes_prereleases else self.releases.final_bits
        found = self._free(bits)
        first = next(found, None)
        if first is None and not self.takes_prereleases and may_fall_back and self.may_fall_back:
            found = self._free(self.releases.bits & ~self.releases.final_bits)
            first = next(found, None)
        if first is not None:
            yield first
            yield from found
        if self.takes_withheld:
            for candidate in reversed([*self._suiting(bits & self.allowed)]):
                if candidate.yanked is None and not self._is_free(candidate):
                    yield candidate

    def _free(self, bits: int) -> Iterator[Candidate]:
        """Yield the candidates of a set: those before the preferred one, that one, the rest."""
        newer = bits & (self.kept - 1) if self.kept and self.may_rise else 0
        for part in (newer, self.kept, bits & ~newer & ~self.kept):
            free = filter(self._is_free, self._suiting(part & self.allowed))
            if not self.prefers_wheels:
                yield from free
                continue
            candidates = [*free]
            yield from (each for each in candidates if not each.from_source)
            yield from (each for each in candidates if each.from_source)

    def _suiting(self, bits: int) -> Iterator[Candidate]:
        for version in self.releases.among(bits):
            if self.labels and version.local not in self.labels:
                continue
            candidate = self.releases.suit(version)
            if isinstance(candidate, Candidate):
                yield candidate

    def _is_free(self, candidate: Candidate) -> bool:
        if self.is_exact or not candidate.withheld:
            return True
        return bool(self.kept) and self.releases.bit(candidate.version) == self.kept


def _takes_prereleases(
    admission: Admission, dependencies: Sequence[Dependency], bounds: Sequence[Bound]
) -> bool:
    """Return whether pre-releases count like any other version.

    The roots of a project decide; other dependencies decide only where it has no root.
    """
    if admission.prereleases == "always":
        return True
    roots = [each for each in dependencies if each.root is not None]
    if any(each.root.prereleases for each in roots if each.root is not None):
        return True
    asked = [each for each in roots if each.root is not None and not each.root.is_transitive]
    return admission.prereleases == "named" and (
        any(each.names_prerelease for each in asked or dependencies)
        or any(bound.specifier.prereleases for bound in bounds)
    )
