"""The policy that a specifier becomes: one rule for ``add``, ``upgrade``, ``pin``, ``upgrade-all``.

A clause that can hold a newer version back becomes the policy of a pin, whether it was typed or
was in the line before. A lower bound or an exact version does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import Specifier, SpecifierSet

from ..requirements import (
    as_one_word,
    bounds_pin,
    caps_pin,
    change_policy,
    read_policy,
    split_clauses,
    typed_specifier,
)
from ..resolution.finder import Bound
from .bounds import policy_bounds
from .draft import Draft, hint
from .inputs import key_of, releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.version import Version

    from ..requirements import Line
    from .inputs import Inputs


def policy_of(specifier: str) -> str:
    """Return the policy that a typed specifier becomes, or nothing."""
    return ",".join(filter(bounds_pin, split_clauses(specifier)))


def asked_of(inputs: Inputs, line: Line, typed: str = "", *, replaces: bool = True) -> SpecifierSet:
    """Return what a line's next version has to satisfy, besides its policy.

    A pin gives way to what was typed. A range counts, too, where both leave a version. With
    ``replaces``, an upper bound that was typed takes the place of the range's own.
    """
    assert line.requirement is not None
    if line.pin is not None or not typed:
        return SpecifierSet(typed) if line.pin is not None else line.requirement.specifier
    own = split_clauses(typed_specifier(line))
    if replaces and _has_cap(typed):
        own = tuple(clause for clause in own if not caps_pin(clause))
    both = SpecifierSet(",".join([*own, *split_clauses(typed)]))
    return both if releases(inputs, key_of(inputs, line)).allowed(both) else SpecifierSet(typed)


def bounds_beside(line: Line, typed: str) -> Iterator[Bound]:
    """Yield what a line's policy keeps out, where another upper bound may have been typed."""
    policy = line.policy
    if policy is None or policy.is_hold or not _has_cap(typed):
        yield from policy_bounds(line)
        return
    kept = [clause for clause in split_clauses(policy.text) if not caps_pin(clause)]
    reason = f"does not satisfy its policy {policy.text} ({line.place})"
    yield Bound(specifier=SpecifierSet(",".join(kept)), reason=reason, is_ours=True)


def comment_with_policy(line: Line, typed: str, asked: SpecifierSet) -> str | None:
    """Return the comment that a line gets with its pin; None where it keeps its own.

    Of a range, the clauses count that are part of what is asked. ``hold`` stays.
    """
    policy = line.policy
    if line.is_held:
        return None
    there = split_clauses(policy.text) if policy is not None else ()
    kept = [clause for clause in there if not (caps_pin(clause) and _has_cap(typed))]
    own = () if line.pin is not None else split_clauses(typed_specifier(line))
    counting = [clause for clause in own if Specifier(clause) in set(asked)]
    new = filter(bounds_pin, (*counting, *split_clauses(typed)))
    clauses = tuple(dict.fromkeys([*kept, *new]))
    return None if clauses == there else change_policy(line.comment, ",".join(clauses))


def cap_above(version: Version) -> str:
    """Return the policy that allows a version, and no other major version above it."""
    epoch = f"{version.epoch}!" if version.epoch else ""
    return f"<{epoch}{version.major + 1}"


def capped(name: str, specifier: str, version: Version) -> str:
    """Return what to type for a project, so that its policy allows a version: one word."""
    return as_one_word(f"{name}{','.join(filter(None, [specifier, cap_above(version)]))}")


def beside_caps(line: Line) -> SpecifierSet | None:
    """Return what the policy of a line says besides upper bounds; None: it has none that moves."""
    policy = line.policy
    if policy is None or policy.is_hold or not _has_cap(policy.text):
        return None
    clauses = split_clauses(policy.text)
    return SpecifierSet(",".join(clause for clause in clauses if not caps_pin(clause)))


def tell_policies(
    changes: Iterable[tuple[Line, str | None]], *, is_optional: bool = True
) -> Iterator[Draft]:
    """Report the policies that lines get with these comments.

    Several new ones are one sentence. ``is_optional``: the command has ``--no-policy``.
    """
    new: list[tuple[str, str]] = []
    for line, comment in changes:
        before, after = line.policy, read_policy(comment) if comment else None
        if after is None or (before is not None and before.text == after.text):
            continue
        if before is None:
            new.append((line.spelled_name, after.text))
            continue
        told = f"the policy of {line.spelled_name} is {after.text} now, no longer {before.text}"
        yield hint(f"{told}; --no-policy leaves it as it was" if is_optional else told)
    if new:
        yield tell_new_policies(new, is_optional=is_optional)


def tell_new_policies(new: Sequence[tuple[str, str]], *, is_optional: bool = True) -> Draft:
    """Report policies that are new, each with the name of its project before it."""
    (name, policy), *others = new
    told, way = f"{policy} becomes the policy of {name}", "--no-policy leaves it out"
    if others:
        shown = ", ".join(f"{policy} of {name}" for name, policy in new)
        told, way = f"these become policies: {shown}", "--no-policy leaves them out"
    return hint(f"{told}; {way}" if is_optional else told)


def _has_cap(specifier: str) -> bool:
    return any(map(caps_pin, split_clauses(specifier)))
