"""``adopt``: one locked file of what another tool has written."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..environments.declared import read_declared
from ..environments.discovery import find_builds
from ..manifest.compiled import read_sources
from ..planning.adopt import (
    ALL_DIRECT,
    draft_adopt,
    find_roles,
    find_sources,
    find_steps,
    keep_installed,
    leave_folders,
    leave_unread,
    list_adopted,
    write_adopted,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from packaging.utils import NormalizedName

    from ..manifest.compiled import Adopted
    from ..plan import Plan
    from .workspace import Found, Workspace


def plan_adopt(
    workspace: Workspace,
    sources: Sequence[str],
    asked: Collection[NormalizedName],
    others: Collection[NormalizedName],
) -> Plan:
    """Plan to make one locked file; see ``Project.plan_adopt``.

    ``asked`` are direct requirements, ``others`` are not, whatever the files say.
    """
    found = replace(workspace.find(), is_adopted=True)
    library = found.discovery.library
    main = found.manifest.main
    adopted = read_sources(library, main, sources, workspace.variables, read_declared)
    found, is_read = _with_builds(workspace, found, adopted)
    targets = [each.target for each in workspace.find_targets_of(found)]
    adopted = leave_unread(adopted, targets)
    adopted = leave_folders(adopted, found.discovery.builds)
    adopted = keep_installed(adopted, found.discovery.builds, library, main)
    content = write_adopted(adopted, ALL_DIRECT)
    plain = workspace.with_content(found, content)
    inputs = workspace.prepare(plain, resolve=True, in_any_case=True)
    inputs = replace(inputs, sources=find_sources(adopted, content))
    roles = find_roles(inputs, adopted, asked, others)
    result = workspace.with_content(found, write_adopted(adopted, roles))
    result = replace(result, manifest=replace(result.manifest, is_being_locked=True))
    draft = partial(draft_adopt, adopted=adopted, roles=roles)
    inputs, parts = workspace.draft(result, draft, resolve=True, in_any_case=True)
    plan = workspace.finish("adopt", parts, result, inputs, force=False)
    plan = replace(
        plan,
        changes=(*plan.changes, *list_adopted(plan.edits, plan.changes, inputs)),
        findings=tuple(find_steps(found.discovery.builds, library, adopted, main)),
    )
    return plan if is_read else replace(plan, builder=None, lack=None)


def _with_builds(workspace: Workspace, found: Found, adopted: Adopted) -> tuple[Found, bool]:
    """Return the builds that install what is adopted, where none installs the main file."""
    builds = found.discovery.builds
    if not builds or any(build.installing for build in builds):
        return found, True
    settings = dataclasses.replace(workspace.settings, file=",".join(adopted.compiled))
    others = find_builds(found.discovery.library, settings, workspace.variables)
    if not any(build.installing for build in others.builds):
        return found, True
    return replace(found, discovery=others, files=settings.file), False
