"""``--mount`` of RUN, and the lists of ``key=value`` that it shares with ``--secret``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .grammar import Instruction


class Mount(Struct, frozen=True, kw_only=True):
    """A mount of a RUN.

    Attributes:
        kind: ``bind``, ``cache``, ``tmpfs``, ``secret`` or ``ssh``.
        source: its path in the origin.
        target: where it is mounted, or an empty string.
        origin: the stage or image that it is from; None: the build context.
        identity: the id of a secret.
        variable: the environment variable that holds a secret, or an empty string.
        is_required: the build fails without it.
    """

    kind: str
    source: str
    target: str
    origin: str | None
    identity: str
    variable: str
    is_required: bool


def read_fields(text: str) -> dict[str, str]:
    """Read ``id=token,src=token.txt``; a key without value has an empty one."""
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {key.strip().lower(): value for key, _, value in pairs}


def mounts_of(instruction: Instruction, expand: Callable[[str], str] = str) -> Iterator[Mount]:
    """Yield the mounts of an instruction."""
    for name, value in instruction.flags:
        if name != "mount":
            continue
        fields = {key: expand(text) for key, text in read_fields(value).items()}
        kind = fields.get("type", "bind")
        targets = (fields[key] for key in ("target", "dst", "destination") if key in fields)
        target = next(targets, "")
        yield Mount(
            kind=kind,
            source=fields.get("source", fields.get("src", ".")),
            target=target,
            origin=fields.get("from"),
            identity=fields.get("id") or target.rpartition("/")[2],
            variable=fields.get("env", ""),
            is_required=fields.get("required", "false").strip().lower() in {"", "true", "1"},
        )
