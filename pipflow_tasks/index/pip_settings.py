"""Where pip itself would look for packages, and whom it trusts on the way.

The one module that touches pip. Its configuration is what ``pip config list`` prints (files of the
system, the user and the environment, then ``PIP_*`` variables), and the default index is pip's
own, so that this project writes none.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import UsageError, redact
from ..processes import ProgramError, run_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECTIONS = ("global", "install", ":env:")
"""Where ``pip install`` looks for a setting; the last that has it counts."""

_ENTRY = re.compile(r"(global|install|:env:)\.([\w-]+)=(['\"].*)")
_REMARKS = ("For variant '", "Skipping file '", "Will be working with ")
"""How lines begin that pip prints of its files when it is verbose."""
_TIMEOUT_SECONDS = 20


class PipSettings(Struct, frozen=True, kw_only=True):
    """What the settings of pip on this host say about indexes; what they leave out is empty.

    Attributes:
        extra_index_urls: equal in rank to the main one.
        cert: a bundle of certificates to trust.
        client_cert: a certificate to present, with its key.
        trusted_hosts: their certificates are not checked.
        keyring: how a keyring is asked for passwords: ``auto``, ``import``, ``subprocess`` or
            ``disabled``.
        notes: what was passed over, and why.
    """

    index_url: str
    extra_index_urls: tuple[str, ...] = ()
    cert: str = ""
    client_cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    keyring: str = "auto"
    notes: tuple[str, ...] = ()


def read_pip_settings(environment: Mapping[str, str]) -> PipSettings:
    """Read pip's settings as they are under these environment variables.

    A folder of this host is no place that the image can install from: an index that is one,
    ``find-links`` and ``no-index`` are passed over.

    Raises:
        UsageError: pip can't read its configuration, or it names a certificate that is not there.
    """
    values = _list_configuration(environment)
    main, extras = (values.get(name, "").split() for name in ("index-url", "extra-index-url"))
    remote = [url for url in main if not is_local(url)]
    return PipSettings(
        index_url=remote[-1] if remote else default_index_url(),
        extra_index_urls=tuple(url for url in extras if not is_local(url)),
        cert=_require_file(values, "cert"),
        client_cert=_require_file(values, "client-cert"),
        proxy=values.get("proxy", ""),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        keyring=values.get("keyring-provider", "auto"),
        notes=_note_local(values, [*main, *extras]),
    )


def _note_local(values: Mapping[str, str], indexes: Sequence[str]) -> tuple[str, ...]:
    """Name what is for this host alone, and is passed over."""
    passed_over = [redact(url) for url in indexes if is_local(url)]
    if links := values.get("find-links"):
        passed_over.append(f"find-links {redact(' '.join(links.split()))}")
    if is_yes(values.get("no-index", "")):
        passed_over.append("no-index")
    notice = "of pip's settings, these are for this host alone and do not count:"
    return (f"{notice} {', '.join(passed_over)}",) if passed_over else ()


def is_yes(word: str) -> bool:
    """Return whether a setting's value says yes, as pip reads it."""
    return word.lower() in {"1", "on", "t", "true", "y", "yes"}


def is_local(url: str) -> bool:
    """Return whether an index is a folder."""
    return url.startswith(("file:", "/", "./", "../", "~"))


def default_index_url() -> str:
    """Return the index that pip asks by default."""
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def _list_configuration(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what ``pip install`` is set to, by long names; an empty value does not count."""
    if environment.get("PIP_CONFIG_FILE") == os.devnull:  # pip: no file is read; so it need not run
        return {
            name.removeprefix("PIP_").lower().replace("_", "-"): value
            for name, value in environment.items()
            if name.startswith("PIP_") and value
        }
    sections = _list_sections(environment)
    merged: dict[str, str] = {}
    for section in SECTIONS:
        merged.update({name: value for name, value in sections[section].items() if value})
    return merged


def _list_sections(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what pip's configuration has, by section and by name."""
    sections: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    unsure: set[str] = set()
    for line in _run_pip(["list"], environment):
        entry = _ENTRY.fullmatch(line)
        if entry is None:
            continue
        section, name, value = entry[1], entry[2], str(ast.literal_eval(entry[3]))
        if sections[section].setdefault(name, value) != value:
            unsure.add(f"{section}.{name}")  # two files have it, printed in no useful order
    for key in sorted(unsure):
        section, _, name = key.rpartition(".")
        sections[section][name] = "\n".join(_run_pip(["get", key], environment))
    return sections


def _run_pip(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return what ``pip config`` prints, without what it says of its files."""
    try:
        done = run_program(
            # verbose, so that a `quiet` in the configuration does not silence it
            [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", *words, "-vvvv"],
            timeout_seconds=_TIMEOUT_SECONDS,
            folder=sys.prefix,  # a folder called pip in the project would be taken for pip
            environment={**environment, "PYTHONIOENCODING": "utf-8"},
            of_user=True,
        )
    except ProgramError as error:
        raise UsageError(
            f"pip can't be asked for its configuration: {error}",
            hint="try `python -m pip config list`; with PIP_CONFIG_FILE=/dev/null it is not asked",
        ) from error
    if done.status:
        told = [line for line in done.error_text.splitlines() if line.strip()]
        raise UsageError(
            f"pip can't read its configuration: {redact(told[-1].strip()) if told else 'it fails'}",
            hint="`python -m pip config debug` tells which files and variables it reads",
        )
    return [line for line in done.text.splitlines() if not line.startswith(_REMARKS)]


def _require_file(values: Mapping[str, str], name: str) -> str:
    path = values.get(name, "")
    if path and not Path(path).expanduser().exists():
        raise UsageError(
            f"pip's setting {name} names {path}, which is not there",
            hint="`python -m pip config debug` tells where that is set",
        )
    return str(Path(path).expanduser()) if path else ""
