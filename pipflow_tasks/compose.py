"""Read compose files: services, and how their images are built.

The Compose Specification, as far as a build goes: interpolation, merging of several files with
``!reset`` and ``!override``, YAML anchors and merge keys, ``extends`` within one file. The YAML is
composed into nodes and never constructed, so that unknown tags do no harm and every error has its
line. Paths stay as they are written, relative to the first file's folder. ``read_dotenv`` reads the
``.env`` file beside them.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from msgspec import Struct, field
from msgspec.structs import replace

from .dockerfile.words import Variables, substitute
from .errors import ComposeError
from .values import equal_without, hash_without, repr_without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import yaml

_Value: TypeAlias = "str | bool | list[_Value] | _Map | None"


class Secret(Struct, frozen=True, kw_only=True):
    """A secret that a build may be given.

    Attributes:
        name: by which the build asks for it.
        file: where it is, relative to the (first) compose file's folder, or None.
        variable: the environment variable that holds it, or None.
    """

    name: str
    file: str | None = None
    variable: str | None = None


class BuildSection(Struct, frozen=True, kw_only=True):
    """How a service's image is built.

    Attributes:
        context: a folder relative to the compose file's, an absolute one, or an address.
        dockerfile: relative to ``context``.
        dockerfile_inline: the text of the Dockerfile, where the compose file has it.
        args: build arguments; the value is None where the environment was to give it and did not.
        target: the stage to build, or None for the last.
        platforms: what the image is built for; none: ``Service.platform``, or the host's.
        network: the network of RUN, or None.
        secrets: by what name the build gets which of the file's secrets.
    """

    context: str = "."
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    args: tuple[tuple[str, str | None], ...] = ()
    target: str | None = None
    platforms: tuple[str, ...] = ()
    network: str | None = None
    secrets: tuple[Secret, ...] = ()

    @property
    def is_remote(self) -> bool:
        """Whether the context is an address, and not a folder of this host."""
        return bool(re.match(r"[a-z][a-z0-9+.-]*://|git@|github\.com/", self.context))


class Service(Struct, frozen=True, kw_only=True):
    """One service.

    Attributes:
        name: its key under ``services``.
        line: 1-based line of that key in the file that has it first.
        image: the tag of what is built, or the image that is pulled.
        platform: what it runs on (``linux/amd64``), or None.
        build: how its image is built, or None.
        profiles: it is started only with one of these; none: always.
        extends_file: the other file that ``extends`` names: its part of the service is not here.
    """

    name: str
    line: int | None = None
    image: str | None = None
    platform: str | None = None
    build: BuildSection | None = None
    profiles: tuple[str, ...] = ()
    extends_file: str | None = None


class ComposeFile(Struct, frozen=True, kw_only=True):
    """A compose file that has been read, or several merged into one.

    Attributes:
        path: the (first) file as the user would type it.
        name: the project's name where the file gives it, or None.
        services: in the order of the file.
        includes: the further files that ``include`` names, which are not here.
    """

    path: str
    name: str | None
    services: tuple[Service, ...]
    includes: tuple[str, ...] = ()
    _content: _Map

    __repr__ = repr_without("_content")
    __eq__ = equal_without("_content")
    __hash__ = hash_without("_content")

    @classmethod
    def from_text(cls, text: str, *, path: str, environment: Mapping[str, str]) -> ComposeFile:
        """Read the text of a compose file; ``environment`` is what it is interpolated with.

        Raises:
            ComposeError: when the text is no YAML, has another shape than a compose file, or
                a variable that it demands (``${NAME:?}``) has no value.
        """
        reading = _Reading(path=path, environment=environment)
        try:
            content = reading.document(text)
            return _compose_file(content, path)
        except RecursionError:
            raise ComposeError("the file is nested too deeply to be read", path=path) from None

    @classmethod
    def from_config(cls, text: str, *, path: str) -> ComposeFile:
        """Read what ``docker compose config`` prints of the file at ``path``, as JSON or YAML.

        Its paths are absolute, and its lines are not the file's.

        Raises:
            ComposeError: when it has another shape than a compose file.
        """
        read = cls.from_text(text, path=path, environment={})
        return replace(read, services=tuple(replace(found, line=None) for found in read.services))

    @classmethod
    def merged(cls, files: Sequence[ComposeFile]) -> ComposeFile:
        """Merge files as compose does with several ``-f`` or an override file; at least one.

        Raises:
            ComposeError: when the whole has another shape than a compose file.
        """
        content = reduce(_merge, (file._content for file in files))
        return _compose_file(content, files[0].path)

    @property
    def unread(self) -> tuple[str, ...]:
        """The other files that take part, of which nothing is here."""
        extended = (service.extends_file for service in self.services if service.build is None)
        return (*self.includes, *(path for path in extended if path is not None))

    def buildable(self, service: str | None = None) -> tuple[Service, ...]:
        """Return the services that are built, or the one of that name.

        Raises:
            ComposeError: when there is no such service, or it has no ``build``.
        """
        built = tuple(found for found in self.services if found.build is not None)
        if service is None:
            return built
        named = next((found for found in self.services if found.name == service), None)
        names = ", ".join(found.name for found in built) or "none"
        if named is None:
            raise ComposeError(
                f"there is no service `{service}`",
                path=self.path,
                hint=f"set `service` to one that is built: {names}",
            )
        if named.build is None:
            raise ComposeError(
                f"the service `{service}` has no `build`",
                path=self.path,
                line=named.line,
                hint=f"set `service` to one that is built: {names}",
            )
        return (named,)


# --- the YAML -------------------------------------------------------------------------------------


class _Entry(Struct, frozen=True, kw_only=True):
    """A value of a mapping.

    Attributes:
        value: what it is, interpolated.
        line: 1-based line of its key.
        path: the file that it is in.
        tag: ``!reset`` or ``!override``, or an empty string.
    """

    value: _Value
    line: int
    path: str
    tag: str = ""

    def fail(self, message: str) -> NoReturn:
        raise ComposeError(message, path=self.path, line=self.line)

    def text(self, key: str) -> str | None:
        """Return a scalar as text; None for null."""
        if isinstance(self.value, (list, dict)):
            self.fail(f"`{key}` is neither text nor a number")
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return self.value

    def texts(self, key: str) -> list[str]:
        """Return a list of scalars; one scalar is a list of one."""
        values = self.value if isinstance(self.value, list) else [self.value]
        texts = [replace(self, value=value).text(key) for value in values]
        return [text for text in texts if text is not None]

    def map(self, key: str) -> _Map:
        """Return a mapping; null is an empty one."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            self.fail(f"`{key}` is no mapping")
        return self.value


_Map: TypeAlias = dict[str, _Entry]


class _Reading(Struct, kw_only=True):
    """One pass over the nodes of a file."""

    path: str
    environment: Mapping[str, str]
    values: dict[int, _Value] = field(default_factory=dict)
    """What each node gives, by its id: an alias is read once, however often it is used."""

    def document(self, text: str) -> _Map:
        """Read a text into what its nodes give, in compose's long forms.

        Raises:
            ComposeError: when it is no YAML, no mapping, or a variable is missing.
        """
        import yaml

        try:
            root = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            message = f"the file is no YAML: {error.problem or error.context}"
            raise ComposeError(message, path=self.path, line=line) from error
        except yaml.YAMLError as error:
            message = "the file is no YAML: it holds characters that YAML does not allow"
            raise ComposeError(message, path=self.path) from error
        if not isinstance(root, yaml.MappingNode):
            raise ComposeError("the file holds no mapping with `services`", path=self.path)
        content = self._mapping(root)
        if "services" in content:
            for service in content["services"].map("services").values():
                self._normalise(service)
        return content

    def _value(self, node: yaml.Node) -> _Value:
        if id(node) not in self.values:
            self.values[id(node)] = self._read(node)
        return self.values[id(node)]

    def _read(self, node: yaml.Node) -> _Value:
        import yaml

        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item) for item in node.value]
        text = cast("str", node.value)
        kind = node.tag.rpartition(":")[2]
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):  # YAML 1.2 knows no `yes`
            return text.lower() == "true"
        if kind == "float":
            return _number(text)
        return self._interpolated(text, node.start_mark.line + 1)

    def _mapping(self, node: yaml.MappingNode) -> _Map:
        import yaml

        merged: _Map = {}
        own: _Map = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.tag == "tag:yaml.org,2002:merge":
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in sources:
                    if isinstance(source, yaml.MappingNode):
                        merged = {**cast("_Map", self._value(source)), **merged}
                continue
            own[key.value] = _Entry(
                value=self._value(value),
                line=key.start_mark.line + 1,
                path=self.path,
                tag=value.tag if value.tag in ("!reset", "!override") else "",
            )
        return {**merged, **own}

    def _interpolated(self, text: str, line: int) -> str:
        def missing(name: str, message: str | None) -> str:
            if message is None:
                return ""
            raise ComposeError(
                f"the variable `{name}` {message}",
                path=self.path,
                line=line,
                hint=f"set `{name}` in the environment or in the `.env` file",
            )

        variables = Variables(values=self.environment, missing=missing)
        done: list[str] = []
        position = 0
        while (dollar := text.find("$", position)) >= 0:
            done.append(text[position:dollar])
            position = dollar + 2
            if text.startswith("$$", dollar):
                done.append("$")
                continue
            found = substitute(text, dollar, variables, lambda word: self._interpolated(word, line))
            if found is None:
                raise ComposeError(
                    f"`{text[dollar : dollar + 2]}` is no variable",
                    path=self.path,
                    line=line,
                    hint="write `$$` for a dollar sign",
                )
            done.append(found[0])
            position = found[1]
        done.append(text[position:])
        return "".join(done)

    def _normalise(self, service: _Entry) -> None:
        """Bring the short forms of a service into the long ones, which is how files merge."""
        if not isinstance(service.value, dict):
            return
        build = service.value.get("build")
        if build is None:
            return
        if isinstance(build.value, str):
            context = replace(build, tag="")
            build = service.value["build"] = replace(build, value={"context": context})
        args = build.map("build").get("args")
        if args is None:
            return
        if isinstance(args.value, list):
            pairs = [item.partition("=") for item in args.texts("args")]
            values = {
                name: replace(args, value=value if equals else None, tag="")
                for name, equals, value in pairs
            }
        else:
            values = args.map("args")
        build.map("build")["args"] = replace(
            args,
            value={
                name: replace(entry, value=self.environment.get(name))
                if entry.value is None
                else entry
                for name, entry in values.items()
            },
        )


def _number(text: str) -> str:
    """Write a float as compose hands it on: ``3.10`` is the number 3.1."""
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() else str(value)


# --- merging --------------------------------------------------------------------------------------

_ONE_LIST = frozenset({"command", "entrypoint", "test"})


def _merge(under: _Map, over: _Map) -> _Map:
    merged = dict(under)
    for key, entry in over.items():
        below = merged.get(key)
        if entry.tag == "!reset":
            merged.pop(key, None)
        elif below is None or entry.tag == "!override":
            merged[key] = entry
        elif isinstance(below.value, dict) and isinstance(entry.value, dict):
            merged[key] = replace(below, value=_merge(below.value, entry.value))
        elif isinstance(below.value, list) and isinstance(entry.value, list):
            joined = [*below.value, *entry.value]
            merged[key] = entry if key in _ONE_LIST else replace(below, value=joined)
        elif entry.value is not None:
            merged[key] = entry
    return merged


def _extended(services: _Map, name: str, seen: tuple[str, ...] = ()) -> _Map:
    """Return the content of a service on top of what it extends in the same file."""
    entry = services[name]
    content = entry.map(name)
    extends = content.get("extends")
    if extends is None or extends.value is None:
        return content
    if not isinstance(extends.value, dict):
        extends = replace(extends, value={"service": extends})
    target = extends.map("extends")
    base = target["service"].text("service") if "service" in target else None
    if base is None or "file" in target:
        return content
    if base not in services:
        extends.fail(f"the service `{name}` extends `{base}`, which does not exist")
    if base in (*seen, name):
        extends.fail(f"the service `{name}` extends itself")
    return _merge(_extended(services, base, (*seen, name)), content)


# --- values ---------------------------------------------------------------------------------------


def _compose_file(content: _Map, path: str) -> ComposeFile:
    services = content["services"].map("services") if "services" in content else {}
    secrets = content["secrets"].map("secrets") if "secrets" in content else {}
    return ComposeFile(
        path=path,
        name=_text(content, "name"),
        services=tuple(
            _service(name, entry, _extended(services, name), secrets)
            for name, entry in services.items()
            if entry.tag != "!reset"
        ),
        includes=_includes(content),
        _content=content,
    )


def _entry(content: _Map, key: str) -> _Entry | None:
    entry = content.get(key)
    return None if entry is None or entry.tag == "!reset" else entry


def _text(content: _Map, key: str) -> str | None:
    entry = _entry(content, key)
    return None if entry is None else entry.text(key) or None


def _texts(content: _Map, key: str) -> tuple[str, ...]:
    entry = _entry(content, key)
    return () if entry is None else tuple(dict.fromkeys(entry.texts(key)))


def _includes(content: _Map) -> tuple[str, ...]:
    include = _entry(content, "include")
    if include is None or not isinstance(include.value, list):
        return ()
    paths: list[str] = []
    for item in include.value:
        paths.extend(_texts(item, "path") if isinstance(item, dict) else [str(item)])
    return tuple(paths)


def _service(name: str, entry: _Entry, content: _Map, secrets: _Map) -> Service:
    build = _entry(content, "build")
    extends = _entry(content, "extends")
    other = extends.value if extends is not None and isinstance(extends.value, dict) else {}
    return Service(
        name=name,
        line=entry.line,
        image=_text(content, "image"),
        platform=_text(content, "platform"),
        build=None if build is None or build.value is None else _build(build.map("build"), secrets),
        profiles=_texts(content, "profiles"),
        extends_file=_text(other, "file"),
    )


def _build(content: _Map, secrets: _Map) -> BuildSection:
    args = _entry(content, "args")
    return BuildSection(
        context=_text(content, "context") or ".",
        dockerfile=_text(content, "dockerfile") or "Dockerfile",
        dockerfile_inline=_text(content, "dockerfile_inline"),
        args=()
        if args is None
        else tuple((name, value.text(name)) for name, value in args.map("args").items()),
        target=_text(content, "target"),
        platforms=_texts(content, "platforms"),
        network=_text(content, "network"),
        secrets=tuple(_secrets(content, secrets)),
    )


def _secrets(content: _Map, secrets: _Map) -> Iterator[Secret]:
    """Return the secrets of a build that the file defines; compose refuses the others."""
    entry = _entry(content, "secrets")
    for item in entry.value if entry is not None and isinstance(entry.value, list) else []:
        source = _text(item, "source") if isinstance(item, dict) else str(item)
        name = (isinstance(item, dict) and _text(item, "target")) or source
        if source is None or name is None or source not in secrets:
            continue
        defined = secrets[source].map(source)
        yield Secret(name=name, file=_text(defined, "file"), variable=_text(defined, "environment"))


# --- the file of variables ------------------------------------------------------------------------

_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*=[ \t]*
    (?:"(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>[^']*)' | (?P<plain>[^\n]*))""",
    re.ASCII | re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def read_dotenv(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Read an ``.env`` file as compose does: quotes, comments, ``export``, variables.

    ``environment`` counts before the file for the variables in its values. What is no assignment is
    ignored: that is compose's to refuse.
    """
    values: dict[str, str] = {}
    for match in _ASSIGNMENT.finditer(text.removeprefix("\ufeff")):
        known = {**values, **environment}
        if match["single"] is not None:
            value = match["single"]
        elif match["double"] is not None:
            value = _ESCAPE.sub(
                lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]),
                _with_variables(match["double"], known),
            )
        else:
            value = _with_variables(_COMMENT.sub("", match["plain"]).strip(), known)
        values[match["name"]] = value
    return values


def _with_variables(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables in a text; one without value is blank, and a lone ``$`` stays."""
    variables = Variables(values=values, missing=lambda _name, _message: "")
    done: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        found = substitute(text, dollar, variables, lambda word: _with_variables(word, values))
        value, after = found or ("$", dollar + 1)
        done += (text[position:dollar], value)
        position = after
    return "".join(done) + text[position:]
