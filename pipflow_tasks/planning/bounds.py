"""What the policy of a line keeps out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from ..resolution.finder import Bound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..requirements import Line


def policy_bounds(line: Line) -> Iterator[Bound]:
    """Yield what a line's policy keeps out; ``hold`` keeps everything but the pin out."""
    policy = line.policy
    if policy is None:
        return
    if policy.is_hold:
        yield only_version(line, f"is kept out by its policy, hold ({line.place})")
    else:
        reason = f"does not satisfy its policy {policy.text} ({line.place})"
        yield Bound(specifier=policy.specifier, reason=reason, is_ours=True)


def only_version(line: Line, reason: str) -> Bound:
    """Keep every version but that of a pin out."""
    specifier = SpecifierSet(f"=={line.pin}" if line.pin else "")
    return Bound(specifier=specifier, reason=reason, is_ours=True)
