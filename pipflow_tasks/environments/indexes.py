"""Which indexes are asked, in which order: by the files, the install step, settings, and pip.

An ``--index-url`` replaces whatever weaker words say, an ``--extra-index-url`` adds to it. For uv
the step is stronger than the files, and of several indexes the first that knows a project counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from ..errors import DockerfileError, RequirementsError, UsageError, redact
from ..index.pip_settings import is_local
from ..manifest.addresses import VARIABLE, expand_address, unset_error
from ..requirements import expand_variables, refused_error
from ..settings import as_pattern
from ..values import join_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..index.pip_settings import PipSettings
    from ..requirements import Line
    from ..settings import Settings
    from ..simple_api import ProjectStatus
    from .steps import InstallStep


class Indexes(Struct, frozen=True, kw_only=True):
    """The indexes that one of several sources names.

    Attributes:
        index_url: the main one, or an empty string.
        extra_index_urls: further ones.
        notices: what is unknown of them.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def over(self, weaker: Indexes) -> Indexes:
        """Return what counts together with a weaker source."""
        notices = (*self.notices, *weaker.notices)
        if self.index_url:
            return replace(self, notices=notices)
        return Indexes(
            index_url=weaker.index_url,
            extra_index_urls=(*self.extra_index_urls, *weaker.extra_index_urls),
            notices=notices,
        )


def find_indexes(
    steps: Sequence[InstallStep],
    lines: Sequence[Line],
    settings: Settings,
    pip: PipSettings,
    variables: Mapping[str, str],
    *,
    by_uv: bool,
    has_links: bool,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return where to look, in the installer's order, and notices of what is unknown.

    ``by_uv``: uv installs, in every step. ``has_links``: there is somewhere to look where no index
    is asked.

    Raises:
        UsageError: the files leave no index, or an address can't be one.
        DockerfileError: a step has an index that is unknown.
    """
    ours = Indexes(
        index_url=settings.index_url, extra_index_urls=tuple(settings.extra_index_url.split())
    )
    for url in filter(is_local, (ours.index_url, *ours.extra_index_urls)):
        raise UsageError(
            f"the settings name the index {redact(url)}, which is a folder of this machine",
            hint="it is like `https://host/simple/`",
        )
    is_filled = any(step.install.command in {"wheel", "download"} for step in steps)
    by_files = next((line.place for line in lines if ("--no-index", "") in line.file_options), "")
    if by_files and not has_links:
        raise UsageError(
            f"the requirements files say --no-index ({by_files}): versions can't be looked up"
        )
    closed = [step.place for step in steps if step.no_index and not is_filled]
    if by_files or (has_links and closed and len(closed) == len(steps)):
        return (), ()
    found = _named_by_files(lines, ours, variables)
    if by_uv or not found.index_url:  # else it does not count what the step says
        looking = [step for step in steps if not step.no_index]
        step = _named_by_steps(looking, ours, variables) if looking else Indexes()
        if by_uv:
            found = Indexes(
                index_url=step.index_url or found.index_url,
                extra_index_urls=(*step.extra_index_urls, *found.extra_index_urls),
                notices=step.notices,
            )
        else:
            found = found.over(step)
        found = found.over(ours)
        found = found.over(Indexes(index_url=pip.index_url, extra_index_urls=pip.extra_index_urls))
    named = dict.fromkeys((found.index_url, *found.extra_index_urls))
    main, *extras = (expand_address(url, {}) for url in named)
    urls = (*extras, main) if by_uv else (main, *extras)
    for url in urls:
        _require_address(url)
    told = (f"{place} says --no-index; versions are chosen from the index" for place in closed)
    return urls, (*told, *found.notices)


def find_index_for(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the patterns of the setting ``index_for`` in canonical form, with their indexes.

    Raises:
        UsageError: an address can't be that of an index.
    """
    found: list[tuple[str, str]] = []
    for pattern, url in settings.indexes_for:
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"the setting index_for names {redact(url)} for {pattern}, which is no address",
                hint="it is like `https://host/simple/`",
            )
        _require_address(url)
        found.append((as_pattern(pattern), expand_address(url, {})))
    return tuple(found)


def note_statuses(
    statuses: Mapping[NormalizedName, ProjectStatus], *, ignored: Collection[str]
) -> tuple[str, ...]:
    """Return a notice for projects that are archived, deprecated or quarantined, if not ignored."""
    names: dict[ProjectStatus, list[NormalizedName]] = {}
    for name, status in statuses.items():
        if not status.is_active and status.status not in ignored:
            names.setdefault(status, []).append(name)
    return tuple(
        f"the index says that {join_words(sorted(alike))} "
        f"{'is' if len(alike) == 1 else 'are'} {status}"
        for status, alike in names.items()
    )


def note_several(indexes: Mapping[NormalizedName, Sequence[str]]) -> tuple[str, ...]:
    """Return a notice for projects that several indexes have, given the indexes of each."""
    names: dict[tuple[str, ...], list[NormalizedName]] = {}
    for name, urls in indexes.items():
        if len(urls) > 1:
            names.setdefault(tuple(urls), []).append(name)
    return tuple(
        f"several indexes have {', '.join(sorted(alike))} ({' and '.join(urls)}), and versions "
        "are chosen from all of them; the setting `index_for` names one"
        for urls, alike in names.items()
    )


def _named_by_files(lines: Sequence[Line], ours: Indexes, variables: Mapping[str, str]) -> Indexes:
    """Return what the options inside the files say; folders among them are in ``find_links``.

    Where the files name nothing but a folder, our setting counts instead.

    Raises:
        RequirementsError: a line that pip refuses says where to look; or there is no setting.
    """
    main, extras = "", list[str]()
    folder: tuple[str, Line] | None = None
    for line in lines:
        if error := refused_error(line):
            raise error
        for option, value in line.file_options:
            if option == "--index-url":
                main, extras = _expand(value, line, variables), []
                folder = (value, line) if is_local(main) else None
            elif option == "--extra-index-url":
                extras.append(_expand(value, line, variables))
    found = tuple(url for url in extras if not is_local(url))
    if folder is None:
        return Indexes(index_url=main, extra_index_urls=found)
    if found:
        return Indexes(index_url=found[0], extra_index_urls=found[1:])
    value, line = folder
    what = f"the index {redact(value)} is a folder, and only the image knows what it has"
    if not ours.index_url:
        raise RequirementsError(
            what,
            path=line.path,
            line=line.number,
            hint="take the line out if the image has no such folder, else set `index_url`",
        )
    notice = f"{line.place}: {what}; the setting index_url counts instead"
    return Indexes(index_url=ours.index_url, notices=(notice,))


def _named_by_steps(
    steps: Sequence[InstallStep], ours: Indexes, variables: Mapping[str, str]
) -> Indexes:
    """Return what the first of several install steps says; others may add indexes.

    An index that is unknown is not left out: another may have projects of the same names that
    are somebody else's. Where a setting says what to ask instead, that is asked.
    """
    first = steps[0]
    notices = [
        f"{first.place} and {other.place} install from different indexes; versions are "
        f"chosen from that of {first.place}"
        for other in [step for step in steps if step.index_url != first.index_url][:1]
    ]
    for step in steps:
        for file in step.unread:
            what = f"the settings in {file}, which may name an index, are known only in the image"
            notices.append(_setting_instead(step, what, "set `index_url`", "index_url", ours))
    addresses = [(first, first.index_url, "index_url")]
    addresses += [(step, url, "extra_index_url") for step in steps for url in step.extra_index_urls]
    known: list[str] = []
    for step, url, setting in addresses:
        expanded = VARIABLE.sub(lambda match: variables.get(match[1]) or match[0], url)
        is_known = not set("$`") & set(expanded) and not is_local(expanded)
        known.append(expanded if is_known else "")
        if is_known:
            continue
        what = "it installs from an index that is known only in the image"
        fix = f"set `{setting}`"
        if variable := VARIABLE.search(expanded):
            what = f"the index address uses {variable[0]}, which is not set"
            fix = f"set it in the environment, where it is neither written nor printed, or {fix}"
        notices.append(_setting_instead(step, what, fix, setting, ours))
    main, *extras = known
    return Indexes(
        index_url=main,
        extra_index_urls=tuple(dict.fromkeys(filter(None, extras))),
        notices=tuple(notices),
    )


def _setting_instead(step: InstallStep, what: str, fix: str, setting: str, ours: Indexes) -> str:
    """Return a notice that a setting counts instead of what is unknown.

    Raises:
        DockerfileError: the setting is not made.
    """
    if not (ours.index_url if setting == "index_url" else ours.extra_index_urls):
        raise DockerfileError(what, path=step.path, line=step.install.line, hint=fix)
    return f"{step.place}: {what}; the setting {setting} counts instead"


def _expand(url: str, line: Line, variables: Mapping[str, str]) -> str:
    expanded = expand_variables(url, variables)
    if "${" in expanded:
        variable = expanded[expanded.index("${") :].partition("}")[0] + "}"
        raise unset_error(line.place, "the index address", variable)
    return expanded


def _require_address(url: str) -> None:
    try:
        urlsplit(url)
    except ValueError as error:  # whose text may quote a password
        raise UsageError(
            f"the index address {redact(url)} is not valid",
            hint="it is like `https://host/simple/`",
        ) from error
