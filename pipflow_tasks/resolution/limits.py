"""What a search may take, besides what its roots ask: bounds, preferences, admissions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from .finder import ADMIT_ALL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from packaging.utils import NormalizedName

    from .finder import Admission, Bound
    from .problem import Preference


class Limits(Struct, frozen=True, kw_only=True):
    """What keeps a search from taking any version; a change gives new limits.

    Attributes:
        bounds: by project, what keeps versions out: policies and options.
        constraints: the same for constraints, which come after these.
        preferences: by project, the version that it has without being asked for.
        admissions: by project, which files are taken, where that differs from ``admission``.
        admission: which files are taken of every other project.
        admitted: the projects of which versions are taken that are too young, or whose
            dependencies are unknown; None for every project.
    """

    bounds: Mapping[NormalizedName, tuple[Bound, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    constraints: Mapping[NormalizedName, tuple[Bound, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    preferences: Mapping[NormalizedName, Preference] = field(
        default_factory=lambda: MappingProxyType({})
    )
    admissions: Mapping[NormalizedName, Admission] = field(
        default_factory=lambda: MappingProxyType({})
    )
    admission: Admission = ADMIT_ALL
    admitted: frozenset[NormalizedName] | None = frozenset()

    def bounds_on(self, name: NormalizedName) -> tuple[Bound, ...]:
        """Return what keeps versions of a project out."""
        return (*self.bounds.get(name, ()), *self.constraints.get(name, ()))

    def admission_of(self, name: NormalizedName) -> Admission:
        """Return which files of a project are taken."""
        return self.admissions.get(name, self.admission)

    def admits_all_of(self, name: NormalizedName) -> bool:
        """Return whether versions of a project are taken that are too young, or unknown."""
        return self.admitted is None or name in self.admitted

    def bounding(self, name: NormalizedName, bounds: Iterable[Bound]) -> Limits:
        """Return these limits with more bounds on a project."""
        more = {**self.bounds, name: (*self.bounds.get(name, ()), *bounds)}
        return replace(self, bounds=MappingProxyType(more))

    def preferring(self, name: NormalizedName, preference: Preference | None) -> Limits:
        """Return these limits with a preference for a project, or with none."""
        others = {other: each for other, each in self.preferences.items() if other != name}
        chosen = others if preference is None else {**others, name: preference}
        return replace(self, preferences=MappingProxyType(chosen))

    def rising(self, name: NormalizedName) -> Limits:
        """Return these limits with newer versions taken before a preferred one, where it has one.

        The preferred version still comes before any older one.
        """
        preference = self.preferences.get(name)
        if preference is None:
            return self
        return self.preferring(name, replace(preference, may_rise=True))

    def admitting(self, names: Collection[NormalizedName] | None) -> Limits:
        """Return these limits with everything admitted of some projects, or of all (None)."""
        return replace(self, admitted=None if names is None else frozenset(names))


NO_LIMITS = Limits()
