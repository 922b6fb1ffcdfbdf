"""Commands where the file is compiled from others: these are edited, and compiled if asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..engine.compiling import compile_in_copy
from ..errors import UsageError
from ..files import repository_of
from ..manifest.library import read_more
from ..manifest.reading import read_manifest
from ..manifest.sources import find_compiled, find_dependents
from ..plan import Change, Edit, Plan
from ..planning.compiling import image_command, require_for_image, tell_commands
from ..planning.draft import edit_of
from ..planning.settling import settle_current
from ..planning.sources import compare_pins, tell_edits
from ..requirements import RequirementsFile
from .workspace import planned_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..manifest.documents import Manifest
    from ..manifest.sources import Compiled
    from ..requirements import CompileCommand
    from .workspace import Found, Workspace


def find_layers(
    workspace: Workspace, found: Found, *, force: bool, compiles: bool
) -> tuple[Compiled, ...]:
    """Return the main file and others that are compiled from its sources; else nothing.

    Raises:
        UsageError: something is to be compiled, and the main file is not.
    """
    main, library = found.manifest.main, found.discovery.library
    compiled = None
    if not force:
        compiled, library = find_compiled(library, main, workspace.variables)
    if compiled is not None:
        return find_dependents(library, compiled, workspace.variables)
    if compiles:
        raise UsageError(
            f"{main} was not compiled from requirements files that are there",
            hint="leave out --compile",
        )
    return ()


def read_sources_of(workspace: Workspace, found: Found, compiled: Compiled) -> Manifest:
    """Return the sources of a compiled file, with all that they include."""
    return read_manifest(
        read_more(found.discovery.library, compiled.sources, workspace.variables),
        compiled.sources,
        workspace.variables,
    )


def plan_sources(
    workspace: Workspace,
    command: str,
    found: Found,
    layers: tuple[Compiled, ...],
    sources: Manifest,
    changed: Mapping[str, RequirementsFile],
    *,
    compiles: bool,
) -> Plan:
    """Return the plan that edits sources, and what is compiled from them."""
    of_target, *_ = targets = workspace.find_targets_of(found)
    files = sources.requirements
    plan = Plan(
        command=command,
        environments=planned_for(targets),
        edits=tuple(edit_of(files[path], new) for path, new in changed.items()),
        hints=tuple(tell_edits(sources, changed)),
        warnings=of_target.notices,
    )
    if changed:
        commands = [image_command(each, of_target.target) for each in layers]
        if compiles and all(commands):
            plan = _compile(workspace, plan, found, layers, commands)
        else:
            told = tell_commands(layers, of_target.target, asked=compiles)
            plan = replace(plan, hints=(*plan.hints, *told))
    plan = workspace.completed(plan, found.discovery, targets)
    return plan if changed else replace(plan, builder=None)


def _compile(
    workspace: Workspace,
    plan: Plan,
    found: Found,
    layers: tuple[Compiled, ...],
    commands: Iterable[CompileCommand | None],
) -> Plan:
    """Return a plan with the files that are compiled from its edits; the main one is checked.

    Raises:
        CompileError: a command failed, or ran with another Python than the image's.
        VersionConflict: the image could not install the result.
    """
    targets = [each.target for each in plan.environments]
    written = compile_in_copy(
        repository_of(workspace.root),
        [
            (layer.folder, command, layer.file.file)
            for layer, command in zip(layers, commands, strict=True)
            if command is not None
        ],
        {edit.path: edit.after for edit in plan.edits},
        workspace.environment,
    )
    edits: list[Edit] = []
    changes: list[Change] = []
    for layer in layers:
        content = RequirementsFile.from_bytes(written[layer.file.file], path=layer.file.path)
        edits.append(edit_of(layer.file, content))
        for target in targets:
            require_for_image(content, target)
        changes += compare_pins(layer.file.content, content)
        if layer is layers[0]:
            result = workspace.with_content(found, content)
            settle_current(workspace.prepare(result, resolve=True, in_any_case=True), waive=False)
    edits = [edit for edit in edits if edit.before != edit.after]
    return replace(plan, edits=(*plan.edits, *edits), changes=tuple(changes))
