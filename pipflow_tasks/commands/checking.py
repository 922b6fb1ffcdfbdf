"""``check``: what breaks the workflow, in the Dockerfile and in the files."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..checks import find_in, finding_in, fix_at_the_source
from ..checks.advice import check_advice
from ..checks.dockerfile import check_builds, check_pip
from ..checks.files import check_compiled, check_lines
from ..checks.origins import OriginReader, suggest_settings
from ..checks.paths import check_paths
from ..checks.pins import check_pins, check_together, name_environments
from ..errors import PackageIndexError, PipflowError, UsageError
from ..index.pip_settings import read_pip_settings
from ..plan import FINDING_CODES, SEVERITIES, Origin, Plan
from ..planning.assumptions import note_looked_up, say_assumed, turns_on_patch, without_platform
from ..transaction import find_unfinished
from ..values import join_words
from .workspace import Found, planned_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ..environments.discovery import Discovery
    from ..environments.environment import Environment
    from ..environments.target import FoundTarget
    from ..manifest.documents import Manifest
    from ..plan import Finding, Severity
    from ..planning.inputs import Inputs
    from ..settings import Settings
    from .workspace import Workspace


class _Seen(Struct, frozen=True, kw_only=True):
    """What ``check`` has found out, in the order in which it is looked for; None: it is unknown."""

    files: tuple[Path, ...] = ()
    manifest: Manifest | None = None
    discovery: Discovery | None = None
    targets: tuple[FoundTarget, ...] = ()
    environments: tuple[Environment, ...] = ()
    inputs: Inputs | None = None
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()

    def with_findings(self, findings: Iterable[Finding], **known: object) -> _Seen:
        """Return this with further findings, and with what else is known."""
        return replace(self, findings=(*self.findings, *findings), **known)

    def with_error(self, error: Finding) -> _Seen:
        """Return this with the error that ended the search, in place of a finding of the same."""
        same = (error.file, error.line, error.message)
        kept = (each for each in self.findings if (each.file, each.line, each.message) != same)
        return replace(self, findings=(*kept, error))


def plan_check(
    workspace: Workspace, set_by: Mapping[str, str], *, offline: bool, explain: bool
) -> Plan:
    """Look for what breaks the workflow; see ``Project.plan_check``.

    ``set_by`` says where each setting is made.
    """
    seen = _look(workspace, offline=offline)
    findings, notices = _check(workspace, seen, offline=offline)
    inputs, discovery = seen.inputs, seen.discovery
    if inputs is not None and discovery is not None and turns_on_patch(inputs):
        targets = workspace.find_sure_targets(discovery)
        if targets:
            seen = _look(workspace, offline=offline, targets=targets)
            findings, notices = _check(workspace, seen, offline=offline)
    if seen.inputs is not None:
        notices = (*say_assumed(seen.inputs, note_looked_up(seen.inputs)), *notices)
    for unfinished in find_unfinished(seen.files):
        fix = "run `rebuild`, which finishes it"
        findings.append(finding_in(None, None, "unfinished", "error", unfinished.sentence, fix))
    if seen.inputs is not None:
        findings = [*name_environments(seen.inputs, findings)]
    findings = [*_weigh(_distinct(findings), workspace.settings)]
    passed_over = [note for each in seen.environments for note in each.rules.passed_over]
    in_order = sorted(findings, key=_rank)
    suggestion = suggest_settings(in_order)
    plan = Plan(
        command="check",
        environments=planned_for(seen.environments or seen.targets),
        findings=tuple(in_order),
        origins=tuple(_explain(workspace, seen, set_by)) if explain else (),
        warnings=tuple(dict.fromkeys((*passed_over, *notices))),
        suggestion=suggestion,
        hints=() if suggestion else tuple(_first_hints(workspace, seen, set_by)),
    )
    if seen.inputs is not None:
        plan = without_platform(plan, seen.inputs)
    return workspace.placed(plan, seen.discovery)


def _rank(finding: Finding) -> tuple[int, str, int]:
    """Return what findings are sorted by: the worst first, then by place."""
    return SEVERITIES.index(finding.severity), finding.file or "", finding.line or 0


def _distinct(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Return findings without those that say the same at the same place; the last code counts.

    What ended the search is found as such, and again by the check that knows what it is.
    """
    return {
        (each.file, each.line, each.message, each.environments): each for each in findings
    }.values()


_SEVERITIES: Mapping[str, Severity | None] = MappingProxyType(
    {**{each: each for each in SEVERITIES}, "ignore": None}
)


def _weigh(findings: Iterable[Finding], settings: Settings) -> Iterator[Finding]:
    """Yield findings with the severity that the setting ``codes`` gives them, but for ignored ones.

    Raises:
        UsageError: the setting has an unknown code, or another word than these.
    """
    chosen = dict(settings.severities)
    for code, word in chosen.items():
        if code not in FINDING_CODES:
            close = get_close_matches(code, FINDING_CODES, n=1)
            raise UsageError(
                f'the setting codes has "{code}", and no finding has this code',
                hint=f"did you mean {close[0]}?" if close else "docs/reports.md lists the codes",
            )
        if word not in _SEVERITIES:
            raise UsageError(
                f'the setting codes can\'t make {code} "{word}"',
                hint="use error, warning, advice or ignore",
            )
    for finding in findings:
        severity = _SEVERITIES[chosen.get(finding.code, finding.severity)]
        if severity is not None:
            yield replace(finding, severity=severity)


def _check(
    workspace: Workspace, seen: _Seen, *, offline: bool
) -> tuple[list[Finding], tuple[str, ...]]:
    """Return the findings of what was found out, and notices."""
    findings, manifest, inputs = [*seen.findings], seen.manifest, seen.inputs
    notices, target = seen.notices, seen.targets[0].target if seen.targets else None
    wants_hashes = target is None or target.installer == "pip"
    if manifest is not None:
        wants_hashes |= manifest.requires_hashes
        lines = check_lines(manifest, target, wants_hashes=wants_hashes)
        findings.extend(fix_at_the_source(manifest, lines))
    if inputs is not None and not offline:
        try:
            findings.extend(fix_at_the_source(inputs.manifest, check_pins(inputs)))
            if inputs.manifest.is_locked or not inputs.skips_dependencies:
                together = check_together(inputs, wants_hashes=wants_hashes)
                findings.extend(fix_at_the_source(inputs.manifest, together))
            notices = (*workspace.index_notices(inputs), *notices)
        except PackageIndexError as error:
            findings.append(find_in(error))
    return findings, notices


def _look(workspace: Workspace, *, offline: bool, targets: tuple[FoundTarget, ...] = ()) -> _Seen:
    """Find out what can be found out, with each error as a finding.

    ``targets`` are those that are known already.
    """
    library = workspace.read_files()
    seen = _Seen(files=tuple(library.files))
    try:
        seen = replace(seen, manifest=workspace.read_manifest(library))
    except PipflowError as error:
        seen = replace(seen, findings=(find_in(error),))
    try:
        discovery = workspace.discover(library)
        findings = (*check_builds(discovery), *check_advice(discovery, workspace.now.date()))
        seen = seen.with_findings(findings, discovery=discovery)
        targets = targets or workspace.find_targets(discovery)
        notices = tuple(dict.fromkeys(notice for each in targets for notice in each.notices))
        for each in targets:
            builds = each.builds or discovery.builds
            found = check_paths(replace(discovery, builds=builds), each.target)
            if seen.manifest is not None:
                paths = fix_at_the_source(seen.manifest, found)
                found = chain(paths, check_compiled(seen.manifest, each.target))
            seen = seen.with_findings((*check_pip(builds, each.target), *found))
        seen = replace(seen, targets=targets, notices=notices)
        if seen.manifest is not None:
            both = Found(manifest=seen.manifest, discovery=discovery)
            environments = workspace.find_environments(both, targets)
            notices = tuple(dict.fromkeys(each for one in environments for each in one.notices))
            seen = replace(seen, environments=environments, notices=notices)
            inputs = workspace.complete(
                both, environments, resolve=True, in_any_case=True, offline=offline
            )
            manifest, notices = inputs.manifest, inputs.last_notices
            seen = replace(seen, inputs=inputs, manifest=manifest, notices=notices)
    except PipflowError as error:
        seen = seen.with_error(find_in(error))
    return seen


def _explain(workspace: Workspace, seen: _Seen, set_by: Mapping[str, str]) -> Iterator[Origin]:
    """Yield where the parts of the target come from, of those that were found."""
    reader = OriginReader(
        settings=workspace.settings, set_by=set_by, variables=workspace.environment
    )
    if seen.discovery is not None:
        yield from reader.of_builds(seen.discovery)
        for each in () if seen.environments else seen.targets:
            yield from reader.of_target(each.target, each.builds)
    if seen.manifest is None:
        return
    for environment in seen.environments:
        if len(seen.environments) > 1:
            yield Origin(part="environment", value=environment.name, source="see below")
        builds = environment.builds
        yield from reader.of_target(environment.target, builds)
        pip = read_pip_settings(workspace.environment)
        yield from reader.of_installs(environment, seen.manifest, pip)


def _first_hints(workspace: Workspace, seen: _Seen, set_by: Mapping[str, str]) -> Iterator[str]:
    """Yield that a project without settings needs none."""
    if set_by or seen.inputs is None or seen.discovery is None:
        return
    compose, builds = seen.discovery.compose, seen.discovery.builds
    if builds:
        composed = () if compose is None else (compose.file.path,)
        paths = [*workspace.settings.files, *composed, *(build.recipe.path for build in builds)]
        yield (
            f"found {join_words([*dict.fromkeys(paths)])}; no settings are needed "
            "(`check --explain` says where each part comes from)"
        )
