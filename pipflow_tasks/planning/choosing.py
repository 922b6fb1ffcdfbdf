"""Look up one project: its releases, the newest version that suits, the hashes of a version."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ..errors import NoCandidate, ProjectNotFound, RequirementsError
from ..resolution.finder import summarise

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from ..requirements import Line
    from ..resolution.finder import Choice, Releases
    from .inputs import Inputs


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
        raise ProjectNotFound(error.message, url=error.url, hint=hint or error.hint) from error
    return inputs.candidates.releases(wanted)


def choose(
    inputs: Inputs,
    name: str,
    specifier: SpecifierSet,
    *,
    prereleases: bool = False,
    local: str | None = None,
    must_exist: bool = False,
) -> Choice:
    """Return the newest version of a project that suits by itself; see ``Candidates.choose``.

    Raises:
        NoCandidate: there is none, and one must exist.
        ProjectNotFound: the index does not have it.
        PackageIndexError: the index failed.
    """
    releases(inputs, name)
    choice = inputs.candidates.choose(
        canonicalize_name(name), specifier, prereleases=prereleases, local=local
    )
    if choice.candidate is None and must_exist:
        asked = f" that satisfies {specifier}" if specifier else ""
        raise NoCandidate(
            f"no version of {name}{asked} suits {inputs.target}",
            reasons=summarise(choice.rejections) or ["the index lists no usable file"],
            hint="ask for another version, or change what rules these out",
        )
    return choice


def digests(
    inputs: Inputs, name: str, version: Version, *, like: Line | None = None
) -> tuple[str, ...]:
    """Return ``sha256:...`` of every file of a version, as pip-compile writes them.

    Each platform may take another file of it. There are none for a line ``like`` one without
    hashes, nor for a new line of files that use none; that line also decides the algorithm.

    Raises:
        RequirementsError: the index does not have this digest of every file.
    """
    written = like.option_values("--hash") if like is not None else ()
    if not (written if like is not None else inputs.manifest.uses_hashes):
        return ()
    algorithm = written[0].partition(":")[0] if written else "sha256"
    files = releases(inputs, name).files.get(version, ())
    lacking = [file.filename for file in files if algorithm not in file.hashes]
    if lacking or not files:
        raise RequirementsError(
            f"the index gives no {algorithm} of {', '.join(lacking) or name}, "
            "and the file pins hashes",
            path=like.path if like is not None else inputs.manifest.main,
            line=like.number if like is not None else None,
            hint="use an index that gives hashes, or write this version by hand",
        )
    return tuple(sorted({f"{algorithm}:{file.hashes[algorithm]}" for file in files}))
