"""Read bake files that are JSON: targets, and how their images are built.

Follows the "Bake file reference" of Docker Buildx where it is about builds: groups, ``inherits``,
variables. Of expressions, ``${NAME}`` alone is read; HCL is not read here. Paths are kept as
written: a context is relative to the folder where bake runs.
"""

from __future__ import annotations

from contextlib import suppress
from functools import reduce
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from .compose import BuildSection, Secret
from .dockerfile import read_fields
from .errors import BakeError, UsageError
from .values import Pattern

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


_EXPRESSION = Pattern(r"(?P<escaped>\$\$\{|%%\{)|\$\{\s*(?P<name>[A-Za-z_][\w-]*)\s*\}|[$%]\{")
"""What HCL puts in a text: an escape, a variable, or the begin of any other expression."""
_MOST_PARENTS = 100
"""How many targets one may inherit from, by whatever way."""
_MOST_EXPANDED = 65_536
"""How many characters the variables in one text may have."""


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
    values = _read_variables(blocks["variable"], variables)
    meant = dict.fromkeys(_meant(blocks["group"], blocks["target"]))
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
                found[name] = _over(found.get(name, {}), block)
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
    waiting, seen = ["default"], set[str]()  # the next one is the last
    while waiting:
        name = waiting.pop()
        if name in groups and name not in seen:
            seen.add(name)
            waiting += map(str, reversed(_listed(groups[name].get("targets", []))))
        elif name in targets:
            found[name] = None
    return [*found]


def _inherited(name: str, targets: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the content of a target on top of those that it inherits from.

    Each ancestor counts where it comes up last: what it says there hides what it said before. The
    walk goes from there back to the first.
    """
    found: list[str] = []
    seen, within = set[str](), set[str]()
    waiting = [(name, True)]
    while waiting:
        name, is_begin = waiting.pop()
        if not is_begin:
            within.remove(name)
        elif name in within:
            raise _UnreadError(f"a parent that inherits from it, {name}")
        elif name not in targets:
            raise _UnreadError(f"a parent that is not there, {name}")
        elif name not in seen:
            if len(found) > _MOST_PARENTS:
                raise _UnreadError(f"more than {_MOST_PARENTS} parents")
            found.append(name)
            seen.add(name)
            within.add(name)
            parents = map(str, _listed(targets[name].get("inherits", [])))
            waiting += [(name, False), *((parent, True) for parent in parents)]
    return reduce(_over, [targets[each] for each in reversed(found)], {})


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


def _read_variables(
    blocks: Mapping[str, dict[str, Any]], environment: Mapping[str, str]
) -> _Values:
    """Return the values of variables: those of the environment, else the defaults in the file."""
    found: dict[str, str | Exception | None] = {}
    for name in blocks:
        try:
            value = environment.get(name)
        except UsageError as error:  # which only a target that uses it ends in
            found[name] = error
        else:
            found |= {} if value is None else {name: value}
    defaults = {name: block.get("default") for name, block in blocks.items() if name not in found}
    needed = {
        name: [other for other in _names_in(default) if other in defaults]
        for name, default in defaults.items()
    }
    order = TopologicalSorter(needed)
    with suppress(CycleError):  # what needs itself stays without a value
        order.prepare()
    while ready := order.get_ready():
        for name in ready:
            try:
                found[name] = _Values(values=found).expand(defaults[name])
            except (_UnreadError, UsageError) as error:
                found[name] = error
        order.done(*ready)
    return _Values(values=found)


def _names_in(value: object) -> list[str]:
    """Return the variables that a text names."""
    found = _EXPRESSION.finditer(value) if isinstance(value, str) else ()
    return [match["name"] for match in found if match["name"]]


class _Values(Struct, frozen=True, kw_only=True):
    """The values of variables; where one can't be read, why."""

    values: Mapping[str, str | Exception | None]

    def of(self, name: str) -> str | None:
        """Return the value of a variable; None for null."""
        if name not in self.values:
            raise _UnreadError(f"the expression ${{{name}}}")
        value = self.values[name]
        if isinstance(value, Exception):
            raise value
        return value

    def expand(self, value: object) -> str | None:
        """Return a value as text, with the variables in it replaced; None for null.

        ``$${`` stands for ``${``, and ``%%{`` for ``%{``. A variable alone may be null.
        """
        text = _scalar(value)
        if text is None:
            return None
        done: list[str] = []
        place = size = 0
        for match in _EXPRESSION.finditer(text):
            done.append(text[place : match.start()])
            place = match.end()
            if match["escaped"]:
                done.append(match["escaped"][1:])
                continue
            if match["name"] is None:
                raise _UnreadError(f"the expression {match[0]}…")
            found = self.of(match["name"])
            if found is None and match[0] == value:
                return None
            done.append(found or "")
            size += len(done[-1])
            if size > _MOST_EXPANDED:
                limit = f"{_MOST_EXPANDED:,} characters"
                raise _UnreadError(f"a text whose variables have more than {limit}")
        return "".join(done) + text[place:]
