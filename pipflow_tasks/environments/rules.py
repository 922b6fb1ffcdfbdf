"""The rules of an install: where releases come from and which of them are taken.

Told, from the strongest word to the weakest, by options inside the requirements files, the flags
and variables of the Dockerfile's install step, this tool's settings, and pip's configuration.
``indexes``, ``trust``, ``formats`` and ``cutoff`` each read their part.
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import redact
from ..manifest.addresses import expand_address, find_address, show_address
from ..resolution.finder import Admission
from .cutoff import find_cooldown, find_limit
from .formats import Formats, read_formats
from .indexes import find_indexes
from .trust import find_trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from ..index import Trust
    from ..index.pip_settings import PipSettings
    from ..requirements import Line
    from ..resolution.finder import Prereleases
    from ..settings import Settings
    from .steps import InstallStep


class InstallRules(Struct, frozen=True, kw_only=True):
    """The install rules: what limits versions besides the requirements and the target.

    Attributes:
        index_urls: where to look; in this order, where the first that knows a project counts.
        first_index: whether it does.
        shown: how messages write those of the indexes that hold the values of variables.
        trust: whom to trust on the way.
        requires_hashes: whether the installer wants a hash for every requirement.
        constraints: constraints files, relative to the project's root, and addresses of such, each
            with the place that names it.
        without_dependencies: the place that says that the files are complete, or nothing.
        base: which files are taken of any project, whatever kind they are.
        formats: which kind of files is taken.
        notices: what is unknown, or was ignored.
    """

    index_urls: tuple[str, ...]
    first_index: bool = False
    shown: Mapping[str, str]
    trust: Trust
    requires_hashes: bool = False
    constraints: Mapping[str, str]
    without_dependencies: str = ""
    base: Admission
    formats: Formats
    notices: tuple[str, ...] = ()

    @property
    def has_cooldown(self) -> bool:
        """Whether releases that are too young are ignored."""
        return self.base.cutoff is not None

    @property
    def named_projects(self) -> frozenset[NormalizedName]:
        """The projects of which other files are taken than of the rest."""
        return self.formats.projects

    def admission(
        self, name: NormalizedName | None = None, ageless: frozenset[Version] = frozenset()
    ) -> Admission:
        """Return which files of a project are taken.

        Args:
            name: the project; None for all that no option names.
            ageless: versions whose age does not count.
        """
        return replace(
            self.base,
            only_wheels=self.formats.only("wheels", name),
            only_sdists=self.formats.only("sdists", name),
            ageless=ageless,
        )


def read_rules(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    *,
    settings: Settings,
    now: datetime,
    pip: PipSettings,
    variables: Mapping[str, str],
) -> InstallRules:
    """Put together what all say.

    Args:
        steps: the Dockerfile's install steps.
        lines: those of the requirements files, in order.
        settings: of the project.
        now: the time that ages are counted from.
        pip: pip's settings on this host.
        variables: for ``${VARIABLES}``.

    Raises:
        UsageError: the files leave no index, or use a variable that is not set.
        DockerfileError: a step has an index that is unknown.
    """
    by_uv = bool(steps) and all(step.install.installer == "uv" for step in steps)
    urls, of_indexes = find_indexes(steps, lines, settings, pip, variables, by_uv=by_uv)
    asked = (*urls, *_addresses(steps, lines, variables))
    trust, of_trust = find_trust(asked, steps, lines, pip)
    limit, of_limit = find_limit(steps, now)
    preferring = _preferring_wheels(steps, lines)
    return InstallRules(
        index_urls=urls,
        shown=MappingProxyType(
            {
                expand_address(text, variables): show_address(text, variables)
                for text in _written(steps, lines)
            }
        ),
        first_index=by_uv and not any(step.asks_all for step in steps),
        trust=trust,
        requires_hashes=any(step.requires_hashes for step in steps),
        constraints=MappingProxyType(_constraints(steps, variables)),
        without_dependencies=steps[0].place if _is_complete(steps) else "",
        base=Admission(
            prereleases=_prereleases(steps, lines, by_uv=by_uv),
            prefers_wheels=preferring[0] if preferring else "",
            cutoff=find_cooldown(settings.cooldown_days, now),
            limit=limit,
        ),
        formats=read_formats(steps, lines),
        notices=(*pip.notes, *_unseen(steps, variables), *of_indexes, *of_trust, *of_limit),
    )


def _prereleases(
    steps: Sequence[InstallStep], lines: Sequence[Line], *, by_uv: bool
) -> Prereleases:
    """Return when a pre-release counts like any other version."""
    if steps and all(step.takes_prereleases for step in steps):
        return "always"
    if by_uv:
        return "last"
    is_asked = any(option == "--pre" for line in lines for option, _ in line.options)
    return "always" if is_asked else "named"


def _is_complete(steps: Sequence[InstallStep]) -> bool:
    """Return whether the files are installed without dependencies."""
    is_installed = any(step.install.command in {"install", "sync"} for step in steps)
    return is_installed and all(step.skips_dependencies for step in steps)


def _preferring_wheels(steps: Sequence[InstallStep], lines: Sequence[Line]) -> list[str]:
    """Return the places that prefer an older wheel to a newer source."""
    preferring = [step.place for step in steps if step.prefers_wheels]
    return preferring + [line.place for line in lines if ("--prefer-binary", "") in line.options]


def _constraints(steps: Sequence[InstallStep], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the constraints of steps, files before addresses, each with its step's place."""
    files = {
        posixpath.normpath(posixpath.join(step.context, source)): step.place
        for step in steps
        for source in step.install.constraint_sources
    }
    addresses = {
        name: step.place
        for step in steps
        for name in step.install.constraints
        if find_address(name, variables)
    }
    return {**files, **addresses}


def _written(steps: Sequence[InstallStep], lines: Sequence[Line]) -> Iterator[str]:
    """Yield the addresses of indexes as they are written."""
    for line in lines:
        for option in ("--index-url", "--extra-index-url"):
            yield from line.option_values(option)
    for step in steps:
        yield from filter(None, (step.index_url, *step.extra_index_urls))


def _addresses(
    steps: Sequence[InstallStep], lines: Sequence[Line], variables: Mapping[str, str]
) -> Iterator[str]:
    """Yield the addresses of what is fetched besides."""
    named = [
        *(name for s in steps for name in (*s.install.constraints, *s.install.requirements)),
        *(name for line in lines for name, _ in line.includes),
    ]
    yield from filter(None, (find_address(name, variables) for name in named))


def _unseen(steps: Sequence[InstallStep], variables: Mapping[str, str]) -> Iterator[str]:
    """Yield what of the steps can't be read, without folders that an earlier step fills."""
    is_filled = any(step.install.command in {"wheel", "download"} for step in steps)
    for step in steps:
        if (step.no_index or step.find_links) and not is_filled:
            what = " ".join([*(["--no-index"] if step.no_index else []), *step.find_links])
            yield (
                f"{step.place} installs from {redact(what)}, which can't be read; "
                "versions are chosen from the index"
            )
        for name in step.install.unknown:
            if name in step.install.constraints and not find_address(name, variables):
                yield (
                    f"{step.place} installs with the constraints {redact(name)}, which are not in "
                    "the build context; what they say does not count"
                )
