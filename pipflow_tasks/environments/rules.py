"""The rules of an install: where releases come from and which of them are taken.

Told, from the strongest word to the weakest, by options inside the requirements files, the flags
and variables of the Dockerfile's install step, this tool's settings, and pip's configuration. An
``--index-url`` replaces whatever weaker words say, an ``--extra-index-url`` adds to it. For uv the
step is stronger than the files, and of several indexes the first that knows a project counts.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from packaging.utils import NormalizedName, canonicalize_name

from ..errors import DockerfileError, UsageError, redact
from ..index import Trust
from ..index.pip_settings import is_local, is_yes
from ..manifest.addresses import VARIABLE, expand_address, find_address, show_address, unset_error
from ..requirements import expand_variables
from ..resolution.finder import Admission, Cutoff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.version import Version

    from ..dockerfile import InstallCommand
    from ..index.pip_settings import PipSettings
    from ..requirements import Line

_ALL = ":all:"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallStep:
    """An install step of a Dockerfile, in a project.

    Attributes:
        place: where it stands, ``Dockerfile:4``.
        context: the build context, relative to the project's root.
        install: what it says.
        inherited: the variables that its base image sets, and pip's configuration there and in
            the build context by the names of the variables that would say the same.
        unread: the files with settings that only the image knows.
    """

    place: str
    context: str
    install: InstallCommand
    inherited: tuple[tuple[str, str], ...] = field(repr=False, default=())
    unread: tuple[str, ...] = ()

    def variable(self, *names: str) -> str:
        """Return the value of the installer's own variable, by the first name that has one."""
        prefix = f"{self.install.installer.upper()}_"
        values = {**dict(self.inherited), **dict(self.install.environment)}
        return next((values[prefix + name] for name in names if values.get(prefix + name)), "")

    def is_set(self, *names: str) -> bool:
        """Tell whether the installer's own variable says yes."""
        return is_yes(self.variable(*names))

    @property
    def index_url(self) -> str:
        """The main index that it names."""
        return self.install.options.index_url or self.variable("DEFAULT_INDEX", "INDEX_URL")

    @property
    def extra_index_urls(self) -> tuple[str, ...]:
        """The further indexes that it names; pip's flags add to its variable, uv's replace it."""
        flags = self.install.options.extra_index_urls
        if self.install.installer == "pip":
            return (*self.variable("EXTRA_INDEX_URL").split(), *flags)
        urls = [*(self.install.options.indexes or self.variable("INDEX").split())]
        urls += flags or self.variable("EXTRA_INDEX_URL").split()
        return tuple(re.sub(r"^[\w.-]+=(?=\w+:)", "", url) for url in urls)

    @property
    def asks_all(self) -> bool:
        """Whether uv looks for the best version on all indexes."""
        strategy = self.install.options.index_strategy or self.variable("INDEX_STRATEGY")
        return strategy.startswith("unsafe-")

    @property
    def no_index(self) -> bool:
        """Whether it installs only what is in the image already."""
        return self.install.options.no_index or self.is_set("NO_INDEX")

    @property
    def find_links(self) -> tuple[str, ...]:
        """Folders and pages where it looks besides."""
        return (*self.variable("FIND_LINKS").split(), *self.install.options.find_links)

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """Hosts whose certificates it does not check."""
        named = self.variable("TRUSTED_HOST", "INSECURE_HOST").split()
        return (*named, *self.install.options.trusted_hosts)

    @property
    def takes_prereleases(self) -> bool:
        """Whether pre-releases count like any other version."""
        return (
            self.install.options.pre or self.is_set("PRE") or self.variable("PRERELEASE") == "allow"
        )

    @property
    def skips_dependencies(self) -> bool:
        """Whether it takes the file for complete."""
        return (
            self.install.options.no_deps
            or self.install.command == "sync"
            or self.is_set("NO_DEPS", "NO_DEPENDENCIES")
        )

    @property
    def requires_hashes(self) -> bool:
        """Whether it wants a hash for every requirement."""
        return self.install.options.require_hashes or self.is_set("REQUIRE_HASHES")

    @property
    def prefers_wheels(self) -> bool:
        """Whether an older wheel is better than a newer source."""
        return self.install.options.prefer_binary or self.is_set("PREFER_BINARY")


@dataclass(slots=True)
class _Formats:
    """Wheels or sdists, by project: pip's format control, with the place that has the last word."""

    said: dict[str, tuple[Literal["wheels", "sdists"], str]] = field(default_factory=dict)

    def take(self, place: str, *, wheels: Iterable[str] = (), sdists: Iterable[str] = ()) -> None:
        """Allow one kind alone, for ``:all:`` or for names; ``:none:`` takes that back."""
        given: list[tuple[Literal["wheels", "sdists"], str]] = []
        given += [("wheels", name.strip()) for name in wheels]
        given += [("sdists", name.strip()) for name in sdists]
        for kind, name in sorted(given, key=lambda said: said[1] != _ALL):  # a name counts more
            if name == _ALL:
                self.said = {_ALL: (kind, place)}
            elif name == ":none:":
                self.said = {key: said for key, said in self.said.items() if said[0] != kind}
            elif name:
                self.said[canonicalize_name(name)] = (kind, place)

    def only(self, kind: str, name: NormalizedName | None) -> str:
        """Return who says that a project is taken as this kind alone, or nothing."""
        named = None if name is None else self.said.get(name)
        said, place = named or self.said.get(_ALL) or ("", "")
        return place if said == kind else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRules:
    """What decides over versions, besides the requirements and the target.

    Attributes:
        index_urls: where to look; in this order, where the first that knows a project counts.
        first_index: whether it does.
        shown: how messages write those of the indexes that hold the values of variables.
        trust: whom to trust on the way.
        requires_hashes: whether the installer wants a hash for every requirement.
        constraints: what bounds the versions, and who says so: files, relative to the project's
            root, and addresses.
        without_dependencies: who says that the files are complete, or nothing.
        warnings: what can't be known, or was passed over.
    """

    index_urls: tuple[str, ...]
    first_index: bool = False
    shown: Mapping[str, str]
    trust: Trust
    requires_hashes: bool = False
    constraints: Mapping[str, str]
    without_dependencies: str = ""
    warnings: tuple[str, ...] = ()
    _base: Admission
    _formats: _Formats

    @property
    def has_cooldown(self) -> bool:
        """Whether releases that are too young are passed over."""
        return self._base.cutoff is not None

    @property
    def named_projects(self) -> frozenset[NormalizedName]:
        """The projects of which other files are taken than of the rest."""
        return frozenset(canonicalize_name(name) for name in self._formats.said if name != _ALL)

    def admission(
        self, name: NormalizedName | None = None, ageless: frozenset[Version] = frozenset()
    ) -> Admission:
        """Return which files of a project are taken.

        Args:
            name: the project; None for all that no option names.
            ageless: versions whose age does not count.
        """
        return replace(
            self._base,
            only_wheels=self._formats.only("wheels", name),
            only_sdists=self._formats.only("sdists", name),
            ageless=ageless,
        )


def read_rules(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    *,
    index_url: str,
    extra_index_urls: Sequence[str],
    cooldown_days: float,
    now: datetime,
    pip: PipSettings,
    environment: Mapping[str, str],
) -> InstallRules:
    """Put together what all say.

    Args:
        steps: the Dockerfile's install steps.
        lines: those of the requirements files, in order.
        index_url: the setting, or an empty string.
        extra_index_urls: the setting.
        cooldown_days: the setting; 0 is none.
        now: the time that ages are told by.
        pip: pip's settings on this host.
        environment: for ``${VARIABLES}``.

    Raises:
        UsageError: the files leave no index, or use a variable that is not set.
        DockerfileError: a step has an index that can't be known.
    """
    warnings = [*pip.notes, *_unseen(steps, environment)]
    by_uv = bool(steps) and all(step.install.installer == "uv" for step in steps)
    settings = _Said(index_url, extra_index_urls)
    found = _index_urls(steps, lines, settings, pip, environment, warnings, by_uv=by_uv)
    urls = tuple(expand_address(url, {}) for url in found)
    for url in urls:
        _require_address(url)
    trust = _trust((*urls, *_addresses(steps, lines, environment)), steps, lines, pip, warnings)
    limit = _limit(steps, now, warnings)
    cutoff = Cutoff(
        latest=now - timedelta(days=cooldown_days),
        now=now,
        reason=f"the setting cooldown_days is {cooldown_days:g}",
    )
    complete = all(step.skips_dependencies for step in steps) and any(
        step.install.command in {"install", "sync"} for step in steps
    )
    pre = (bool(steps) and all(step.takes_prereleases for step in steps)) or (
        not by_uv and any(option == "--pre" for line in lines for option, _ in line.options)
    )
    preferring = [step.place for step in steps if step.prefers_wheels]
    preferring += [line.place for line in lines if ("--prefer-binary", "") in line.options]
    return InstallRules(
        index_urls=urls,
        shown={
            expand_address(text, environment): show_address(text, environment)
            for text in _written(steps, lines)
        },
        first_index=by_uv and not any(step.asks_all for step in steps),
        trust=trust,
        requires_hashes=any(step.requires_hashes for step in steps),
        constraints={
            posixpath.normpath(posixpath.join(step.context, source)): step.place
            for step in steps
            for source in step.install.constraint_sources
        }
        | {
            name: step.place
            for step in steps
            for name in step.install.constraints
            if find_address(name, environment)
        },
        without_dependencies=steps[0].place if complete else "",
        warnings=tuple(warnings),
        _base=Admission(
            prereleases="always" if pre else "last" if by_uv else "named",
            prefers_wheels=preferring[0] if preferring else "",
            cutoff=cutoff if cooldown_days else None,
            limit=limit,
        ),
        _formats=_read_formats(steps, lines),
    )


def _written(steps: Sequence[InstallStep], lines: Sequence[Line]) -> Iterator[str]:
    """Yield the addresses of indexes as they are written."""
    for line in lines:
        for option in ("--index-url", "--extra-index-url"):
            yield from line.option_values(option)
    for step in steps:
        yield from filter(None, (step.index_url, *step.extra_index_urls))


def _addresses(
    steps: Sequence[InstallStep], lines: Sequence[Line], environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the addresses of what is fetched besides."""
    named = [
        *(name for s in steps for name in (*s.install.constraints, *s.install.requirements)),
        *(name for line in lines for name, _ in line.includes),
    ]
    yield from filter(None, (find_address(name, environment) for name in named))


def _unseen(steps: Sequence[InstallStep], environment: Mapping[str, str]) -> Iterator[str]:
    """Say what of the steps can't be looked into; not of folders that a step before has filled."""
    is_filled = any(step.install.command in {"wheel", "download"} for step in steps)
    for step in steps:
        if (step.no_index or step.find_links) and not is_filled:
            what = " ".join([*(["--no-index"] if step.no_index else []), *step.find_links])
            yield (
                f"{step.place} installs from {redact(what)}, which can't be looked into; "
                "versions are chosen from the index"
            )
        for name in step.install.unknown:
            if name in step.install.constraints and not find_address(name, environment):
                yield (
                    f"{step.place} installs with the constraints {redact(name)}, which are not in "
                    "the build context; what they say does not count"
                )


def _require_address(url: str) -> None:
    try:
        urlsplit(url)
    except ValueError as error:  # whose text may quote a password
        raise UsageError(
            f"the index address {redact(url)} makes no sense",
            hint="it is like `https://host/simple/`",
        ) from error


def _index_urls(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    settings: _Said,
    pip: PipSettings,
    environment: Mapping[str, str],
    warnings: list[str],
    *,
    by_uv: bool,
) -> tuple[str, ...]:
    """Return where to look, in the installer's order."""
    ours = settings.over(_Said(pip.index_url, pip.extra_index_urls))
    looking = [step for step in steps if not step.no_index]
    inside = _said_in(lines, environment)
    if inside.index_url and not by_uv:  # whatever the step says, it does not count
        return inside.urls
    step = _said_by(looking, settings, environment, warnings) if looking else _Said()
    if not by_uv:
        return inside.over(step).over(ours).urls
    both = _Said(
        step.index_url or inside.index_url, (*step.extra_index_urls, *inside.extra_index_urls)
    )
    main, *extras = both.over(ours).urls
    return (*extras, main)


def _read_formats(steps: Sequence[InstallStep], lines: Sequence[Line]) -> _Formats:
    """Return which kinds of files are taken; the last word counts, and that is the files'."""
    formats = _Formats()
    for step in steps:
        formats.take(
            step.place,
            wheels=step.variable("ONLY_BINARY").split(","),
            sdists=step.variable("NO_BINARY").split(","),
        )
        options = step.install.options
        formats.take(step.place, wheels=options.only_binary, sdists=options.no_binary)
    for line in lines:
        for option, value in line.options:
            if option == "--only-binary":
                formats.take(line.place, wheels=value.split(","))
            elif option == "--no-binary":
                formats.take(line.place, sdists=value.split(","))
    return formats


@dataclass(frozen=True, slots=True)
class _Said:
    """What one of those who may speak says of indexes."""

    index_url: str = ""
    extra_index_urls: Sequence[str] = ()

    def over(self, weaker: _Said) -> _Said:
        """Return what counts where a weaker word is there as well."""
        if self.index_url:
            return self
        return _Said(weaker.index_url, (*self.extra_index_urls, *weaker.extra_index_urls))

    @property
    def urls(self) -> tuple[str, ...]:
        """All of them, each once, the main one first."""
        return tuple(dict.fromkeys((self.index_url, *self.extra_index_urls)))


def _said_by(
    steps: Sequence[InstallStep],
    settings: _Said,
    environment: Mapping[str, str],
    warnings: list[str],
) -> _Said:
    """Return what the first of several install steps says; others may add indexes.

    An index that can't be known is not left out: another may have projects of the same names that
    are somebody else's. Where a setting says what to ask instead, that is asked.

    Raises:
        DockerfileError: there is such an index, and no setting instead.
    """
    first = steps[0]
    others = [step for step in steps if step.index_url != first.index_url]
    if others:
        warnings.append(
            f"{first.place} and {others[0].place} install from different indexes; versions are "
            f"chosen from that of {first.place}"
        )

    def ask_for(setting: str, step: InstallStep, what: str, mend: str, *, is_made: bool) -> None:
        if not is_made:
            path, _, line = step.place.rpartition(":")
            raise DockerfileError(what, path=path, line=int(line), hint=mend)
        warnings.append(f"{step.place}: {what}; the setting {setting} counts instead")

    def known(url: str, step: InstallStep, setting: str, is_made: bool) -> str:
        expanded = VARIABLE.sub(lambda match: environment.get(match[1]) or match[0], url)
        variable = VARIABLE.search(expanded)
        if variable is None and not set("$`") & set(expanded) and not is_local(expanded):
            return expanded
        what = "it installs from an index that only the image knows"
        mend = f"make the setting `{setting}`"
        if variable is not None:
            what = f"the index address uses {variable[0]}, which is not set"
            mend = f"set it in the environment, where it is neither written nor printed, or {mend}"
        ask_for(setting, step, what, mend, is_made=is_made)
        return ""

    for step in steps:
        for file in step.unread:
            what = f"the settings in {file}, which may name an index, are known to the image alone"
            mend = "make the setting `index_url`"
            ask_for("index_url", step, what, mend, is_made=bool(settings.index_url))
    main = first.index_url
    if main:
        main = known(main, first, "index_url", bool(settings.index_url))
    extras = [
        known(url, step, "extra_index_url", bool(settings.extra_index_urls))
        for step in steps
        for url in step.extra_index_urls
    ]
    return _Said(main, tuple(dict.fromkeys(url for url in extras if url)))


def _said_in(lines: Sequence[Line], environment: Mapping[str, str]) -> _Said:
    """Return what the options inside the files say."""
    main, extras = "", list[str]()
    for line in lines:
        for option, value in line.options:
            if option == "--no-index":
                raise UsageError(
                    f"the requirements files say --no-index ({line.place}): "
                    "versions can't be looked up"
                )
            if option == "--index-url":
                main, extras = _expand(value, line, environment), []
            elif option == "--extra-index-url":
                extras.append(_expand(value, line, environment))
    return _Said(main, extras)


def _trust(
    urls: Sequence[str],
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    pip: PipSettings,
    warnings: list[str],
) -> Trust:
    """Return whom to trust; whose certificate is not checked is told."""
    trusting = [
        *((host, "pip's settings") for host in pip.trusted_hosts),
        *((host, step.place) for step in steps for host in step.trusted_hosts),
        *((host, line.place) for line in lines for host in line.option_values("--trusted-host")),
    ]
    asked = [urlsplit(url) for url in urls if url.startswith("https://")]
    hosts = {name for url in asked for name in (url.hostname, url.netloc.rpartition("@")[2])}
    unchecked: dict[str, str] = {}
    for host, place in trusting:
        if host in hosts:
            unchecked.setdefault(host, place)
    warnings.extend(
        f"the certificate of {host} is not checked, as {place} would have it"
        for host, place in unchecked.items()
    )
    return Trust(
        certificates=pip.cert,
        client_certificate=pip.client_cert,
        proxy=pip.proxy,
        unchecked_hosts=tuple(unchecked),
        keyring=pip.keyring,
    )


def _limit(steps: Sequence[InstallStep], now: datetime, warnings: list[str]) -> Cutoff | None:
    """Return what the installer is told to exclude as too new; the strictest word counts."""
    limits: list[Cutoff] = []
    for step in steps:
        said = step.install.options.exclude_newer
        said = said or step.variable("EXCLUDE_NEWER", "UPLOADED_PRIOR_TO")
        latest = _moment(said.strip(), now, whole_day=step.install.installer == "uv")
        if latest is None and said:
            warnings.append(
                f"{step.place} excludes what is newer than {said}, which is no time that is "
                "understood here; it does not count"
            )
        elif latest is not None:
            reason = f"{step.place} excludes what is newer than {said}"
            limits.append(Cutoff(latest=latest, now=now, reason=reason))
    return min(limits, key=lambda limit: limit.latest, default=None)


def _moment(text: str, now: datetime, *, whole_day: bool) -> datetime | None:
    """Read RFC 3339, a day (for uv all of it, for pip none), or an age (`7 days`, `P7D`)."""
    age = re.fullmatch(r"(\d+)\s*(hour|day|week)s?(?: ago)?", text, re.IGNORECASE)
    iso = re.fullmatch(r"P(\d+)([DW])", text, re.IGNORECASE)
    try:
        if age:
            return now - timedelta(**{f"{age[2].lower()}s": int(age[1])})
        if iso:
            return now - timedelta(days=int(iso[1]) * (7 if iso[2].upper() == "W" else 1))
        if re.fullmatch(r"[\d-]{10}", text):
            midnight = datetime.fromisoformat(f"{text}T00:00:00+00:00")
            return midnight + timedelta(days=1) if whole_day else midnight
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None


def _expand(url: str, line: Line, environment: Mapping[str, str]) -> str:
    expanded = expand_variables(url, environment)
    if "${" in expanded:
        variable = expanded[expanded.index("${") :].partition("}")[0] + "}"
        raise unset_error(line.place, "the index address", variable)
    return expanded
