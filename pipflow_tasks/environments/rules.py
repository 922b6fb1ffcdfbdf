"""The rules of an install: where releases come from and which of them are taken.

Told, from the strongest word to the weakest, by options inside the requirements files, the flags
and variables of the Dockerfile's install step, this tool's settings, and pip's configuration.
``indexes`` and ``admission`` each read their part.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from ..errors import DockerfileError, redact
from ..index import Trust
from ..manifest.addresses import expand_address, find_address, show_address, values_of
from ..settings import split_values
from .admission import read_admission
from .indexes import find_index_for, find_indexes
from .links import find_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from packaging.utils import NormalizedName

    from ..index import Links
    from ..index.pip_settings import PipSettings
    from ..manifest.library import Library
    from ..requirements import Line
    from ..resolution.finder import Admission
    from ..settings import Settings
    from .steps import InstallStep


class InstallRules(Struct, frozen=True, kw_only=True):
    """The install rules: what limits versions besides the requirements and the target.

    Attributes:
        index_urls: where to look; in this order, where the first that knows a project counts.
        first_index: whether it does.
        index_for: patterns of canonical names, each with the only index for such projects.
        links: where to look besides.
        shown: how messages write those of the indexes that hold the values of variables.
        values: the variables of these addresses, as they are written, by their values.
        trust: whom to trust on the way.
        requires_hashes: whether the installer wants a hash for every requirement.
        constraints: constraints files, relative to the project's root, and addresses of such, each
            with the place that names it.
        overrides: the same for overrides.
        without_dependencies: the place that says that the files are complete, or nothing.
        admission: which files are taken of any project.
        admissions: the same for the projects that an option names.
        notices: what is unknown, or was ignored.
        passed_over: what pip's settings on this host say, and does not count, as a sentence.
    """

    index_urls: tuple[str, ...]
    first_index: bool
    index_for: tuple[tuple[str, str], ...]
    links: Links
    shown: Mapping[str, str]
    values: Mapping[str, str]
    trust: Trust
    requires_hashes: bool
    constraints: Mapping[str, str]
    overrides: Mapping[str, str]
    without_dependencies: str
    admission: Admission
    admissions: Mapping[NormalizedName, Admission]
    notices: tuple[str, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def choice(self) -> tuple[object, ...]:
        """What counts for the choice of versions, without the places that say it."""
        links = self.links
        return (
            (self.index_urls, self.first_index, self.index_for),
            (
                {*dict(links.folders)},
                {*dict(links.pages)},
                {shown.rpartition(" (")[0] for shown, _ in links.unseen},
            ),
            (self.trust, self.requires_hashes, bool(self.without_dependencies)),
            (self.constraints.keys(), self.overrides.keys()),
            _plain(self.admission),
            {name: _plain(each) for name, each in self.admissions.items()},
        )


def _plain(admission: Admission) -> Admission:
    """Return an admission without the places that demand what it says."""
    cutoffs = {
        name: cutoff and replace(cutoff, reason="")
        for name, cutoff in (("cutoff", admission.cutoff), ("limit", admission.limit))
    }
    return replace(
        admission,
        only_wheels=admission.only_wheels and "yes",
        only_sdists=admission.only_sdists and "yes",
        prefers_wheels=admission.prefers_wheels and "yes",
        **cutoffs,
    )


def read_rules(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    *,
    library: Library,
    settings: Settings,
    now: datetime,
    pip: PipSettings,
    variables: Mapping[str, str],
) -> InstallRules:
    """Put together what the steps, the lines of the files, the settings and this host's pip say.

    Ages are counted from ``now``; the variables are for ``${VARIABLES}``.

    Raises:
        UsageError: the files leave no index, or use a variable that is not set.
        DockerfileError: a step has an index that is unknown.
    """
    by_uv = bool(steps) and all(step.install.installer == "uv" for step in steps)
    links = find_links(steps, lines, library, variables)
    urls, of_indexes = find_indexes(
        steps, lines, settings, pip, variables, by_uv=by_uv, has_links=links.are_seen
    )
    index_for = find_index_for(settings)
    asked = (
        *urls,
        *(url for url, _ in links.pages),
        *(url for _, url in index_for),
        *_addresses(steps, lines, variables),
    )
    _require_known_backend(steps, lines, index_for)
    trust, of_trust = _find_trust(asked, steps, lines, pip)
    admission, admissions, of_admission = read_admission(
        steps,
        lines,
        cooldown_days=settings.cooldown_days,
        cooldown_exempt=split_values(settings.cooldown_exempt),
        now=now,
        by_uv=by_uv,
    )
    return InstallRules(
        index_urls=urls,
        shown=MappingProxyType(
            {
                expand_address(text, variables): show_address(text, variables)
                for text in _written(steps, lines)
            }
        ),
        values=MappingProxyType(
            {
                value: name
                for text in _written(steps, lines)
                for value, name in values_of(text, variables).items()
            }
        ),
        index_for=index_for,
        links=links,
        first_index=by_uv and not any(step.asks_all for step in steps),
        trust=trust,
        requires_hashes=any(step.requires_hashes for step in steps),
        constraints=MappingProxyType(_constraints(steps, variables)),
        overrides=MappingProxyType(
            {
                path: step.place
                for step in steps
                for path in step.in_project(step.install.override_sources)
            }
        ),
        without_dependencies=steps[0].place if _is_complete(steps) else "",
        admission=admission,
        admissions=MappingProxyType(admissions),
        notices=(*_unseen(steps, variables), *of_indexes, *of_trust, *of_admission),
        passed_over=pip.notes,
    )


def _require_known_backend(
    steps: Sequence[InstallStep], lines: Sequence[Line], index_for: Sequence[tuple[str, str]]
) -> None:
    """Check that the index of PyTorch's packages is known where uv chooses it.

    Raises:
        DockerfileError: the files have such a package, and no setting says where it comes from.
    """
    for step in steps:
        options = step.install.options
        backend = options.torch_backend or step.variable("TORCH_BACKEND")
        named = [line.name for line in lines if line.name and line.name.startswith("torch")]
        unknown = [
            name
            for name in named
            if not any(fnmatchcase(name, pattern) for pattern, _ in index_for)
        ]
        if backend and step.install.installer == "uv" and unknown:
            raise DockerfileError(
                f"uv takes {unknown[0]} from an index of its own (--torch-backend {backend})",
                path=step.path,
                line=step.install.line,
                hint="name that index with the setting `index_for`, for `torch*`",
            )


def _find_trust(
    urls: Iterable[str], steps: Sequence[InstallStep], lines: Sequence[Line], pip: PipSettings
) -> tuple[Trust, tuple[str, ...]]:
    """Return whom to trust on the way to addresses.

    Next is a notice for each host whose certificate is not checked.
    """
    trusting = [
        *((host, "pip's settings") for host in pip.trusted_hosts),
        *((host, step.place) for step in steps for host in step.trusted_hosts),
        *(
            (host, line.place)
            for line in lines
            for option, host in line.file_options
            if option == "--trusted-host"
        ),
    ]
    asked = [urlsplit(url) for url in urls if url.startswith("https://")]
    hosts = {name for url in asked for name in (url.hostname, url.netloc.rpartition("@")[2])}
    unchecked: dict[str, str] = {}
    for host, place in trusting:
        if host in hosts:
            unchecked.setdefault(host, place)
    trust = Trust(
        certificates=pip.cert,
        client_certificate=pip.client_cert,
        proxy=pip.proxy,
        unchecked_hosts=tuple(unchecked),
        keyring=pip.keyring,
    )
    notices = (
        f"the certificate of {host} is not checked, as {place} would have it"
        for host, place in unchecked.items()
    )
    return trust, tuple(notices)


def _is_complete(steps: Sequence[InstallStep]) -> bool:
    """Return whether the files are installed without dependencies."""
    is_installed = any(step.install.command in {"install", "sync"} for step in steps)
    return is_installed and all(step.skips_dependencies for step in steps)


def _constraints(steps: Sequence[InstallStep], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the constraints of steps, files before addresses, each with its step's place."""
    files = {
        path: step.place
        for step in steps
        for path in step.in_project(step.install.constraint_sources)
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
    """Yield what of the steps can't be read, or is assumed."""
    for step in steps:
        install = step.install
        resolution = install.options.resolution or step.variable("RESOLUTION")
        if install.installer == "uv" and resolution.startswith("lowest"):
            yield (
                f"{step.place} says --resolution {resolution}, which does not count: what no line "
                "pins may be older in the image"
            )
        if install.helper:
            yield (
                f"{step.place}: {install.helper} is given {' and '.join(install.sources)} with -r; "
                "it counts as pip's install step"
            )
        elif install.constraint_sources and not install.requirements and not install.sources:
            yield (
                f"{step.place} installs with {' and '.join(install.constraint_sources)} as "
                "constraints: the pins limit what is installed, and install nothing themselves"
            )
        for name in step.install.unknown:
            if name in step.install.overrides:
                yield (
                    f"{step.place} installs with the overrides {redact(name)}, which can't be "
                    "read; what they say does not count"
                )
            if name in step.install.constraints and not find_address(name, variables):
                yield (
                    f"{step.place} installs with the constraints {redact(name)}, which are not in "
                    "the build context; what they say does not count"
                )
