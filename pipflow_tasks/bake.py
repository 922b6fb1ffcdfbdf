"""Read bake files that are JSON: targets, and how their images are built.

Follows the "Bake file reference" of Docker Buildx where it is about builds: groups, ``inherits``,
variables. Of expressions, ``${NAME}`` alone is read; HCL is not read here. Paths are kept as
written: a context is relative to the folder where bake runs.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .compose import BuildSection, Secret
from .dockerfile import read_fields
from .errors import BakeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class BakeTarget(Struct, frozen=True, kw_only=True):
    """A target of a bake file.

    Attributes:
        name: what bake is given to build it.
        build: how its image is built.
        tags: those of the image.
    """

    name: str
    build: BuildSection
    tags: tuple[str, ...] = ()


class BakeFile(Struct, frozen=True, kw_only=True):
    """A bake file that has been read, or several that were merged into one.

    Attributes:
        targets: those of the group ``default``, which is what bake builds; without it, all.
        others: those that it builds only as bases of these.
        unread: the other targets of these, each with what can't be read here.
    """

    targets: tuple[BakeTarget, ...]
    others: tuple[BakeTarget, ...] = ()
    unread: tuple[str, ...] = ()


_EXPRESSION = re.compile(r"(?P<escaped>\$\$\{|%%\{)|\$\{\s*(?P<name>[A-Za-z_][\w-]*)\s*\}|[$%]\{")
"""What HCL puts in a text: an escape, a variable, or the begin of any other expression."""


class _UnreadError(Exception):
    """Something that is not read here."""


def read_bake_files(texts: Iterable[tuple[str, str]], variables: Mapping[str, str]) -> BakeFile:
    """Read bake files, given their paths and texts; later ones override earlier ones.

    Raises:
        BakeError: a text is no bake file.
    """
    files = [(path, _read(path, text)) for path, text in texts]
    blocks: dict[str, dict[str, dict[str, Any]]] = {
        kind: _merged(_blocks(content, kind, path) for path, content in files)
        for kind in ("variable", "group", "target")
    }
    values = _Values(blocks=blocks["variable"], environment=variables)
    meant = _meant(blocks["group"], blocks["target"])
    targets: list[BakeTarget] = []
    others: list[BakeTarget] = []
    unread: list[str] = []
    for name in dict.fromkeys([*meant, *blocks["target"]]):
        try:
            found = _target(name, _inherited(name, blocks["target"]), values)
        except _UnreadError as error:
            if name in meant:
                unread.append(f"the target {name} ({files[0][0]}) has {error}")
            continue
        (targets if name in meant else others).append(found)
    return BakeFile(targets=tuple(targets), others=tuple(others), unread=tuple(unread))


def _read(path: str, text: str) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(text)
    except RecursionError:
        raise BakeError("the file is nested too deeply to be read", path=path) from None
    except msgspec.DecodeError as error:
        raise BakeError(f"the file is no JSON: {error}", path=path) from error
    if not isinstance(content, dict):
        raise BakeError("the file holds no object", path=path)
    return content


def _blocks(content: dict[str, Any], kind: str, path: str) -> dict[str, dict[str, Any]]:
    """Return the blocks of a kind by their names; HCL's JSON also allows lists of them."""
    found: dict[str, dict[str, Any]] = {}
    for tables in _listed(content.get(kind, [])):
        if not isinstance(tables, dict):
            raise BakeError(f"`{kind}` is no object", path=path)
        for name, blocks in tables.items():
            for block in _listed(blocks):
                if not isinstance(block, dict):
                    raise BakeError(f"the {kind} `{name}` is no object", path=path)
                found = _merge(found, {name: block})
    return found


def _merged(files: Iterable[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    return reduce(_merge, files)


def _merge(
    under: dict[str, dict[str, Any]], over: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {**under, **{name: _over(under.get(name, {}), block) for name, block in over.items()}}


def _over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return a block on top of another: tables are merged, all else is replaced."""
    merged = {**under, **over}
    for key in ("args", "contexts"):
        if isinstance(under.get(key), dict) and isinstance(over.get(key), dict):
            merged[key] = {**under[key], **over[key]}
    return merged


def _meant(groups: Mapping[str, Any], targets: Mapping[str, Any]) -> list[str]:
    """Return the targets that bake builds if it is given none, in order; else all."""
    if "default" not in groups and "default" not in targets:
        return [*targets]
    found: dict[str, None] = {}
    waiting, seen = ["default"], set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in groups and name not in seen:
            seen.add(name)
            waiting = [*map(str, _listed(groups[name].get("targets", []))), *waiting]
        elif name in targets:
            found[name] = None
    return [*found]


def _inherited(
    name: str, targets: Mapping[str, dict[str, Any]], seen: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the content of a target on top of those that it inherits from."""
    if name in seen:
        raise _UnreadError(f"a parent that inherits from it, {name}")
    if name not in targets:
        raise _UnreadError(f"a parent that is not there, {name}")
    parents = _listed(targets[name].get("inherits", []))
    contents = [_inherited(str(parent), targets, (*seen, name)) for parent in parents]
    return reduce(_over, [*contents, targets[name]], {})


def _target(name: str, content: dict[str, Any], values: _Values) -> BakeTarget:
    if "matrix" in content:
        raise _UnreadError("a matrix")

    def texts(key: str) -> tuple[str, ...]:
        return tuple(values.expand(each) or "" for each in _listed(content.get(key) or []))

    try:
        tags = texts("tags")
    except (_UnreadError, UsageError):  # they decide no version
        tags = ()
    args = {key: values.expand(value) for key, value in _table(content, "args").items()}
    return BakeTarget(
        name=name,
        build=BuildSection(
            context=values.expand(content.get("context")) or ".",
            dockerfile=values.expand(content.get("dockerfile")) or "Dockerfile",
            dockerfile_inline=values.expand(content.get("dockerfile-inline")),
            # one that is null has the Dockerfile's default
            args=tuple((key, value) for key, value in args.items() if value is not None),
            target=values.expand(content.get("target")) or None,
            platforms=texts("platforms"),
            secrets=tuple(_secrets(content)),
            contexts=tuple(
                (key, values.expand(value) or "")
                for key, value in _table(content, "contexts").items()
            ),
        ),
        tags=tags,
    )


def _secrets(content: dict[str, Any]) -> Iterator[Secret]:
    for item in _listed(content.get("secret", [])):
        fields = item if isinstance(item, dict) else read_fields(str(item))
        if "id" in fields:
            file, variable = fields.get("src", fields.get("source")), fields.get("env")
            yield Secret(name=str(fields["id"]), file=file, variable=variable)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _table(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise _UnreadError(f"`{key}` that is no object")
    return value


def _scalar(value: object) -> str | None:
    """Return a text, number or truth value as bake gives it to a build."""
    if isinstance(value, (list, dict)):
        raise _UnreadError("a list or an object where a text is expected")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


class _Values(Struct, frozen=True, kw_only=True):
    """The values of variables: those of the environment, else the defaults in the file.

    ``within`` are the variables whose default is being read.
    """

    blocks: Mapping[str, dict[str, Any]]
    environment: Mapping[str, str]
    within: tuple[str, ...] = ()

    def of(self, name: str) -> str | None:
        """Return the value of a variable; None for null."""
        if name not in self.blocks or name in self.within:
            raise _UnreadError(f"the expression ${{{name}}}")
        given = self.environment.get(name)
        if given is not None:
            return given
        inner = replace(self, within=(*self.within, name))
        return inner.expand(self.blocks[name].get("default"))

    def expand(self, value: object) -> str | None:
        """Return a value as text, with the variables in it replaced; None for null.

        ``$${`` stands for ``${``, and ``%%{`` for ``%{``. A variable alone may be null.
        """
        rest = _scalar(value)
        if rest is None:
            return None
        done: list[str] = []
        while match := _EXPRESSION.search(rest):
            before, after = rest[: match.start()], rest[match.end() :]
            if match["escaped"]:
                done += (before, match["escaped"][1:])
            elif match["name"] is None:
                raise _UnreadError(f"the expression {match[0]}…")
            else:
                found = self.of(match["name"])
                if found is None and match[0] == value:
                    return None
                done += (before, found or "")
            rest = after
        return "".join(done) + rest
