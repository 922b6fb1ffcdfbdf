"""Read compose files: services, and how their images are built.

Follows the Compose Specification where it is about builds: interpolation, merging of several files
with ``!reset`` and ``!override``, YAML anchors and merge keys, ``extends``. What ``include`` names
is left to the caller. YAML is composed into nodes and never constructed, so that unknown tags do no
harm and every error has its line. Paths are kept as written, relative to the first file's folder.
``read_dotenv`` reads the ``.env`` file beside them.
"""

from __future__ import annotations

import posixpath
import re
from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from msgspec import Struct, field
from msgspec.structs import replace

from .dockerfile.words import MOST_EXPANDED, OversizedWord, Variables, substitute
from .dockerfile.work import TooMuchWork, Work
from .errors import ComposeError
from .values import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import yaml

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The usual names, in compose's order."""

_VARIANT = Pattern(r"(?:docker-)?compose\.(?!override\.).+\.ya?ml")

_Value: TypeAlias = "str | bool | list[_Value] | _Map | None"


def is_variant(name: str) -> bool:
    """Return whether a file of that name is a compose file that is used by its name."""
    return bool(_VARIANT.fullmatch(name))


class Secret(Struct, frozen=True, kw_only=True):
    """A secret that a build may be given.

    Attributes:
        name: the id that the build asks for it by.
        file: relative to the (first) compose file's folder, or None.
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
        inline_place: the compose file that has that text, and the 1-based line where it begins;
            None: the lines are not those of a file.
        args: build arguments; None: the environment should give the value and does not have it.
        target: the stage to build, or None for the last.
        platforms: none: ``Service.platform``, or the host's.
        secrets: under the names that the build has for them.
        contexts: ``additional_contexts``, each a name and what it means (``service:base``).
    """

    context: str = "."
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    inline_place: tuple[str, int] | None = None
    args: tuple[tuple[str, str | None], ...] = ()
    target: str | None = None
    platforms: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    contexts: tuple[tuple[str, str], ...] = ()

    @property
    def is_remote(self) -> bool:
        """Whether the context is an address, and not a folder of this host."""
        return _is_address(self.context)


class Service(Struct, frozen=True, kw_only=True):
    """One service.

    Attributes:
        line: 1-based line of its name in the first file that has it.
        image: the tag of what is built, or the image that is pulled.
        platform: ``linux/amd64``, or None.
        build: how its image is built, or None.
        profiles: it is started only with one of these; none: always.
        extends_file: the other file that ``extends`` names, if that was not read.
        starts_with: the words of its ``entrypoint`` and ``command``, in one text.
    """

    name: str
    line: int | None = None
    image: str | None = None
    platform: str | None = None
    build: BuildSection | None = None
    profiles: tuple[str, ...] = ()
    extends_file: str | None = None
    starts_with: str = ""


class Include(Struct, frozen=True, kw_only=True):
    """A compose project that another one includes.

    Attributes:
        paths: its files, relative to the (first) compose file's folder, as the folder is.
        folder: what the paths in these files are relative to.
        dotenv: the files of its variables; none: the one in its folder.
    """

    paths: tuple[str, ...]
    folder: str
    dotenv: tuple[str, ...] = ()


class ComposeFile(Struct, frozen=True, kw_only=True):
    """A compose file that has been read, or several merged into one.

    Attributes:
        path: the (first) file as the user would type it.
        name: of the project, or None.
        services: in the order of the file.
        includes: what ``include`` names.
    """

    path: str
    name: str | None
    services: tuple[Service, ...]
    includes: tuple[Include, ...] = ()

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[tuple[str, str]],
        *,
        environment: Mapping[str, str],
        read: Callable[[str], str | None] = lambda _path: None,
    ) -> ComposeFile:
        """Read compose files, given their paths and texts, and merge them as compose does.

        ``read`` gives the text of another file that a service extends, None where it has none.

        Raises:
            ComposeError: a text is no YAML, one of them or the whole is no compose file, or a
                variable that it demands (``${NAME:?}``) has no value in ``environment``.
        """
        contents: list[_Map] = []
        paths: list[str] = []
        for path, text in texts:
            paths.append(path)
            with _bounded(path):
                contents.append(_Reading(path=path, environment=environment).document(text))
                _compose_file(contents[-1], path, _Others())  # each must be valid by itself
        folder = posixpath.dirname(paths[0])
        others = _Others(read=read, environment=environment, folder=folder)
        with _bounded(paths[0]):
            return _compose_file(reduce(_merge, contents), paths[0], others)
        raise AssertionError("what leaves the block is a file or an error")

    @classmethod
    def from_config(cls, text: str, *, path: str) -> ComposeFile:
        """Read what ``docker compose config`` prints of the file at ``path``, as JSON or YAML.

        Its paths are absolute, and its lines are not the file's.

        Raises:
            ComposeError: it is no compose file.
        """
        read = cls.from_texts([(path, text)], environment={})
        services = tuple(replace(found, line=None) for found in read.services)
        return replace(read, services=services).with_places({})

    @property
    def places(self) -> dict[tuple[str, str | None], tuple[str, int] | None]:
        """The place of each Dockerfile in it, by the name of the service and the text."""
        return {
            (each.name, each.build.dockerfile_inline): each.build.inline_place
            for each in self.services
            if each.build is not None
        }

    def with_places(
        self, places: Mapping[tuple[str, str | None], tuple[str, int] | None]
    ) -> ComposeFile:
        """Return this with the places of its Dockerfiles that another reading of it has."""
        services = [*self.services]
        for at, each in enumerate(services):
            if each.build is not None:
                place = places.get((each.name, each.build.dockerfile_inline))
                services[at] = replace(each, build=replace(each.build, inline_place=place))
        return replace(self, services=tuple(services))

    @property
    def unread(self) -> tuple[str, ...]:
        """The other files that count and are not read."""
        extended = (service.extends_file for service in self.services if service.build is None)
        included = (path for include in self.includes for path in include.paths)
        return (*included, *(path for path in extended if path is not None))

    def including(self, other: ComposeFile, include: Include) -> ComposeFile:
        """Return this with the services of a project that it includes, if it has none so called."""
        names = {service.name for service in self.services}
        added = (_moved(each, include.folder) for each in other.services if each.name not in names)
        unread = (
            replace(each, paths=tuple(_joined(include.folder, path) for path in each.paths))
            for each in other.includes
        )
        includes = (*(each for each in self.includes if each != include), *unread)
        return replace(self, services=(*self.services, *added), includes=includes)

    def buildable(self, names: Sequence[str] = ()) -> tuple[Service, ...]:
        """Return the services that are built, or those of these names, in their order here.

        Raises:
            ComposeError: there is no such service, or it has no ``build``.
        """
        built = tuple(found for found in self.services if found.build is not None)
        for name in names:
            if not any(found.name == name for found in built):
                named = next((found for found in self.services if found.name == name), None)
                known = ", ".join(found.name for found in built) or "none"
                lacks_build = f"the service `{name}` has no `build`"
                raise ComposeError(
                    lacks_build if named else f"there is no service `{name}`",
                    path=self.path,
                    line=named.line if named else None,
                    hint=f"set `service` to one that is built: {known}",
                )
        return tuple(found for found in built if found.name in names) if names else built


@contextmanager
def _bounded(path: str) -> Iterator[None]:
    """Turn what is too deep, too long or too much in a file into an error that names the file."""
    try:
        yield
    except RecursionError:
        raise ComposeError("the file is nested too deeply to be read", path=path) from None
    except OversizedWord as error:
        raise ComposeError(str(error), path=path) from error
    except TooMuchWork as error:
        message = "the file has too many values and aliases to be read"
        raise ComposeError(message, path=path) from error


# --- the YAML -------------------------------------------------------------------------------------


class _Entry(Struct, frozen=True, kw_only=True):
    """An interpolated value of a mapping, and where its key is.

    ``tag`` is ``!reset``, ``!override`` or empty. ``text_line`` is where a text begins
    whose lines are those of the file; 0: they are not.
    """

    value: _Value
    line: int
    path: str
    tag: str = ""
    text_line: int = 0

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
    path: str
    environment: Mapping[str, str]
    values: dict[int, _Value] = field(default_factory=dict)
    """By the id of the node: an alias is read once, however often it is used."""
    work: Work = field(default_factory=Work)

    def document(self, text: str) -> _Map:
        """Read a text into mappings, with services in compose's long forms."""
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
        for service in _section(content, "services").values():
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
                        self.work.spend(len(merged) + len(source.value))
                        merged = {**cast("_Map", self._value(source)), **merged}
                continue
            own[key.value] = _Entry(
                value=self._value(value),
                line=key.start_mark.line + 1,
                path=self.path,
                tag=value.tag if value.tag in ("!reset", "!override") else "",
                text_line=value.start_mark.line + 2 if getattr(value, "style", "") == "|" else 0,
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

        def other(dollar: int) -> tuple[str, int]:
            if text.startswith("$$", dollar):
                return "$", dollar + 2
            raise ComposeError(
                f"`{text[dollar : dollar + 2]}` is no variable",
                path=self.path,
                line=line,
                hint="write `$$` for a dollar sign",
            )

        variables = Variables(values=self.environment, missing=missing)
        value = _interpolate(text, variables, other, lambda word: self._interpolated(word, line))
        self.work.spend(len(value))
        return value

    def _normalise(self, service: _Entry) -> None:
        """Write the short forms of a service as the long ones, which is how files merge."""
        if not isinstance(service.value, dict):
            return
        build = service.value.get("build")
        if build is None:
            return
        if isinstance(build.value, str):
            context = replace(build, tag="")
            build = service.value["build"] = replace(build, value={"context": context})
        content = build.map("build")
        for key in content.keys() & {"args", "additional_contexts"}:
            content[key] = self._as_mapping(content[key], key)

    def _as_mapping(self, entry: _Entry, key: str) -> _Entry:
        """Return a mapping of what may be a list of ``name=value``.

        A value that is not given is that of the environment.
        """
        if isinstance(entry.value, list):
            pairs = [item.partition("=") for item in entry.texts(key)]
            values = {
                name: replace(entry, value=value if equals else None, tag="")
                for name, equals, value in pairs
            }
        else:
            values = dict(entry.map(key))
        for name, each in values.items():
            if each.value is None:
                values[name] = replace(each, value=self.environment.get(name))
        return replace(entry, value=values)


def _interpolate(
    text: str,
    variables: Variables,
    other: Callable[[int], tuple[str, int]],
    expand_word: Callable[[str], str],
) -> str:
    """Replace the variables in a text; ``other`` gives what a ``$`` before none stands for."""
    done: list[str] = []
    position = size = 0
    while (dollar := text.find("$", position)) >= 0:
        value, after = substitute(text, dollar, variables, expand_word) or other(dollar)
        size += len(value)
        if size > MOST_EXPANDED:
            raise OversizedWord
        done += (text[position:dollar], value)
        position = after
    return "".join(done) + text[position:]


def _number(text: str) -> str:
    """Write a float as compose does: ``3.10`` is the number 3.1."""
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() else str(value)


# --- merging --------------------------------------------------------------------------------------

_ONE_LIST = frozenset({"command", "entrypoint", "test"})
_MOST_EXTENDED = 32
"""How many services may extend each the next."""


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


class _Others(Struct, frozen=True, kw_only=True):
    """The files that services extend; ``folder`` is the first file's, as messages show it."""

    read: Callable[[str], str | None] = lambda _path: None
    environment: Mapping[str, str] = {}
    folder: str = ""

    def services(self, path: str) -> _Map | None:
        """Return the services of a file, with contexts that are relative as the path is."""
        text = self.read(path)
        if text is None:
            return None
        shown = _joined(self.folder, path)
        content = _Reading(path=shown, environment=self.environment).document(text)
        services = _section(content, "services")
        folder = posixpath.dirname(path)
        return {name: _with_context(each, name, folder) for name, each in services.items()}


def _with_context(service: _Entry, name: str, folder: str) -> _Entry:
    """Return a service whose context is relative to where its file's folder is."""
    content = service.map(name)
    build = content.get("build")
    if build is None or build.value is None:
        return service
    own = build.map("build")
    context = replace(build, value=_joined(folder, _text(own, "context") or "."), tag="")
    moved = replace(build, value={**own, "context": context})
    return replace(service, value={**content, "build": moved})


def _extended(
    services: _Map, name: str, others: _Others, place: str = "", seen: tuple[object, ...] = ()
) -> _Map:
    """Return the content of a service on top of what it extends.

    ``place`` is the folder of its file, relative to the first file's.
    """
    entry = services[name]
    content = entry.map(name)
    extends = content.get("extends")
    if extends is None or extends.value is None:
        return content
    if not isinstance(extends.value, dict):
        extends = replace(extends, value={"service": extends})
    target = extends.map("extends")
    base = target["service"].text("service") if "service" in target else None
    if base is None:
        return content
    here = (entry.path, name)
    if "file" in target:
        path = _joined(place, _text(target, "file") or "")
        found = others.services(path)
        if found is None:
            return content
        services, place = found, posixpath.dirname(path)
        content = {key: value for key, value in content.items() if key != "extends"}
    if base not in services:
        extends.fail(f"the service `{name}` extends `{base}`, which does not exist")
    if (services[base].path, base) in (*seen, here):
        extends.fail(f"the service `{name}` extends itself")
    if len(seen) == _MOST_EXTENDED:
        extends.fail(f"`{name}` is extended by {_MOST_EXTENDED} services, one after the other")
    below = _extended(services, base, others, place, (*seen, here))
    return _merge(below, content)


def _joined(folder: str, path: str) -> str:
    """Return a path that is relative to a folder, unless it is an address."""
    if _is_address(path):
        return path
    return posixpath.normpath(posixpath.join(folder, path))


def _is_address(context: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*://|git@|github\.com/", context))


def _moved(service: Service, folder: str) -> Service:
    """Return a service of a project in a folder, with paths that are relative to the one above."""
    build = service.build
    if build is None:
        return service
    secrets = (
        each if each.file is None else replace(each, file=_joined(folder, each.file))
        for each in build.secrets
    )
    context = _joined(folder, build.context)
    return replace(service, build=replace(build, context=context, secrets=tuple(secrets)))


# --- values ---------------------------------------------------------------------------------------


def _compose_file(content: _Map, path: str, others: _Others) -> ComposeFile:
    services, secrets = _section(content, "services"), _section(content, "secrets")
    return ComposeFile(
        path=path,
        name=_text(content, "name"),
        services=tuple(
            _service(name, entry, _extended(services, name, others), secrets)
            for name, entry in services.items()
            if entry.tag != "!reset"
        ),
        includes=_includes(content),
    )


def _entry(content: _Map, key: str) -> _Entry | None:
    entry = content.get(key)
    return None if entry is None or entry.tag == "!reset" else entry


def _section(content: _Map, key: str) -> _Map:
    entry = _entry(content, key)
    return {} if entry is None else entry.map(key)


def _text(content: _Map, key: str) -> str | None:
    entry = _entry(content, key)
    return None if entry is None else entry.text(key) or None


def _texts(content: _Map, key: str) -> tuple[str, ...]:
    entry = _entry(content, key)
    return () if entry is None else tuple(dict.fromkeys(entry.texts(key)))


def _includes(content: _Map) -> tuple[Include, ...]:
    include = _entry(content, "include")
    if include is None or not isinstance(include.value, list):
        return ()
    found: list[Include] = []
    for item in include.value:
        paths = _texts(item, "path") if isinstance(item, dict) else (str(item),)
        named = isinstance(item, dict) and _text(item, "project_directory")
        folder = named or posixpath.dirname(paths[0] if paths else "")
        dotenv = _texts(item, "env_file") if isinstance(item, dict) else ()
        found.append(Include(paths=paths, folder=folder, dotenv=dotenv))
    return tuple(found)


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
        starts_with=_words(content, "entrypoint", "command"),
    )


def _words(content: _Map, *names: str) -> str:
    """Return the words of commands, which are a text or a list of texts."""
    values = [entry.value for name in names if (entry := _entry(content, name)) is not None]
    words = [word for value in values for word in (value if isinstance(value, list) else [value])]
    return " ".join(str(word) for word in words if isinstance(word, str))


def _build(content: _Map, secrets: _Map) -> BuildSection:
    inline = _entry(content, "dockerfile_inline")
    contexts = _section(content, "additional_contexts")
    return BuildSection(
        context=_text(content, "context") or ".",
        dockerfile=_text(content, "dockerfile") or "Dockerfile",
        dockerfile_inline=_text(content, "dockerfile_inline"),
        inline_place=(inline.path, inline.text_line) if inline and inline.text_line else None,
        args=tuple((name, value.text(name)) for name, value in _section(content, "args").items()),
        target=_text(content, "target"),
        platforms=_texts(content, "platforms"),
        secrets=tuple(_secrets(content, secrets)),
        contexts=tuple((name, value.text(name) or "") for name, value in contexts.items()),
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

_ASSIGNMENT = Pattern(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*=[ \t]*
    (?:"(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>[^']*)' | (?P<plain>[^\n]*))""",
    re.ASCII | re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_COMMENT = Pattern(r"(?:^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def read_dotenv(text: str, environment: Mapping[str, str], *, path: str = ".env") -> dict[str, str]:
    """Read an ``.env`` file as compose does: quotes, comments, ``export``, variables.

    Values may use variables: of ``environment``, else of lines above. What is no assignment is
    ignored: compose may refuse it.

    Raises:
        ComposeError: its values are too long, too many, or nested too deeply.
    """
    with _bounded(path):
        return _read_dotenv(text, environment)
    raise AssertionError("what leaves the block is a value or an error")


def _read_dotenv(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    known, work = dict(environment), Work()
    for match in _ASSIGNMENT.finditer(text.removeprefix("\ufeff")):
        if match["single"] is not None:
            value = match["single"]
        elif match["double"] is not None:
            value = _ESCAPE.sub(
                lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]),
                _with_variables(match["double"], known),
            )
        else:
            value = _with_variables(_COMMENT.sub("", match["plain"]).strip(), known)
        work.spend(len(value))
        values[match["name"]] = value
        if match["name"] not in environment:
            known[match["name"]] = value
    return values


def _with_variables(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables in a text; one without value is blank, and a lone ``$`` stays."""
    variables = Variables(values=values, missing=lambda _name, _message: "")
    return _interpolate(
        text,
        variables,
        lambda dollar: ("$", dollar + 1),
        lambda word: _with_variables(word, values),
    )
