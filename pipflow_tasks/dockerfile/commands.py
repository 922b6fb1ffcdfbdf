"""Follow the shell commands of a RUN to find the files that pip and uv install.

Nothing is run. Branches are followed one after the other as if each were taken. The result of a
command substitution is unknown.
"""

from __future__ import annotations

import posixpath
import re
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from .configuration import LEVELS, Configuration, configuration_files
from .image import (
    CONTEXT,
    Content,
    Placed,
    StageImage,
    find_misplaced,
    join,
    last_placed,
    origins_of,
)
from .install import (
    SHELLS,
    InstallCommand,
    OtherInstall,
    find_location,
    helper_of,
    install_options,
    installer_of,
    is_installer,
    parse_options,
    target_version,
)
from .making import (
    CONDAS,
    MAKERS,
    Where,
    activated,
    chosen_python,
    conda_target,
    find_activated,
    follow,
    install_conda,
    is_conda_file,
    read_conda,
    run_in_conda,
    uv_python,
)
from .pythons import Located, Python
from .shell import ASSIGNMENT, WRITING, Command, read_commands
from .words import Variables, expand, is_unknown, keep

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from .configuration import Installer
    from .shell import Word
    from .work import Work

_COMMAND = 500
"""The work to follow a command, besides its words."""
_RESERVED = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "}", "time"})
_SHELLS = SHELLS | {"su", "runuser"}
_SETTINGS = frozenset({"pip.conf", "uv.toml"})
_PROFILES = frozenset({".bash_profile", ".bashrc", ".profile"})
# fmt: off
_WRAPPERS = frozenset({
    "command", "env", "exec", "gosu", "nice", "nohup",
    "pipenv", "poetry", "runuser", "setpriv", "su", "su-exec", "sudo", "timeout",
})
# fmt: on


_STATIC = ("pyproject.toml", "setup.cfg")
"""The files that may say what a project needs, without its being built."""


class _Started(Struct, frozen=True, kw_only=True):
    """An installer as a command starts it: its program, options and variables."""

    installer: Installer
    program: str
    options: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]

    def variable(self, name: str) -> str:
        """Return the value of the installer's own variable."""
        return self.environment.get(f"{self.installer.upper()}_{name}", "")


class Shell(Struct, kw_only=True):
    """The state of the shell of one RUN, and the install steps so far."""

    images: Sequence[StageImage]
    mounts: tuple[Placed, ...]
    directory: str
    directory_known: bool
    variables: dict[str, str]
    line: int
    work: Work
    previous: Sequence[Word] = ()
    """The words of the last command."""
    unset: dict[str, str] = field(default_factory=dict)
    """Words with a variable that is empty, and the same with it kept as ``${NAME}``."""
    steps: list[InstallCommand] = field(default_factory=list)
    others: list[OtherInstall] = field(default_factory=list)

    @property
    def image(self) -> StageImage:
        """The image that the RUN changes."""
        return self.images[-1]

    @property
    def files(self) -> list[Placed]:
        """What the image has, and what is mounted."""
        return [*self.image.files, *self.mounts]

    def run(self, script: str) -> None:
        """Follow a shell script."""
        self.work.spend(len(script))
        outer: list[tuple[str, bool, dict[str, str]]] = []
        for command in read_commands(script):
            self.work.spend(_COMMAND + len(self.variables) + len(self.directory))
            if isinstance(command, Command):
                self._simple(command)
                self.previous = command.words
            elif command == "(":
                outer.append((self.directory, self.directory_known, dict(self.variables)))
            elif command == ")" and outer:
                self.directory, self.directory_known, self.variables = outer.pop()

    def _simple(self, command: Command) -> None:
        words = self._expanded([word.text for word in command.words])
        body = "".join([each.body for each in command.redirections])
        text = body if words == ["cat"] and body else _printed(words)
        for each in command.redirections:
            if each.operator not in WRITING:
                continue
            path = " ".join(self._expanded([each.text]))
            (self._append if each.operator == ">>" else self._write)(path, text)
            self._note_profile(each.text, text or "")
        words = [*dropwhile(_RESERVED.__contains__, words)]
        before = [*takewhile(bool, map(ASSIGNMENT.fullmatch, words))]
        words = words[len(before) :]
        environment = {**self.variables, **{each[1]: each[2] for each in before if each}}
        if not words:
            self.variables = environment
            self._run_body(body)
        elif words[0] in ("export", "declare", "readonly", "local"):
            assignments = filter(None, map(ASSIGNMENT.fullmatch, words[1:]))
            self.variables.update((match[1], match[2]) for match in assignments)
        elif words[0] in ("cd", "pushd"):
            path = next((word for word in words[1:] if not word.startswith("-")), "~")
            self.directory = join(self.directory, path)
            self.directory_known |= path.startswith(("/", "$", "~"))
        elif folder := find_activated(words, self._where(environment)):
            self.variables = activated(self.variables, folder)
        else:
            self.start(words, environment, body)

    def _run_body(self, body: str) -> None:
        """Follow a heredoc as a script, unless its first line names another program."""
        first = body.partition("\n")[0]
        if body and (not first.startswith("#!") or re.search(r"\b(?:ba|da|a|z|k)?sh\b", first)):
            self.run(body)

    def _expanded(self, words: Sequence[str]) -> list[str]:
        variables = Variables(values=self.variables, missing=keep)
        filled = {name: value for name, value in self.variables.items() if value}
        expanded: list[str] = []
        for word in words:
            value = expand(word, variables)
            self.work.spend(len(word) + len(value))
            kept = expand(word, Variables(values=filled, missing=keep)) if "$" in word else value
            if kept != value:
                self.unset[value] = kept
            # An unquoted variable may hold several words, or none.
            splits = "$" in word and not any(char in word for char in "'\"\\`(")
            expanded.extend(value.split() if splits else [value])
        return expanded

    def _write(self, path: str, text: str | None = None) -> None:
        placed = join(self.directory, path)
        self.image.files.append(
            Placed(origin=None, source=placed, target=placed, folder=False, text=text)
        )

    def _copy(self, operands: Sequence[str]) -> None:
        *sources, target = operands or [""]
        for source in sources:
            found = self._found(source)
            self.image.files.append(
                Placed(
                    origin=CONTEXT if found else None,
                    source=found[0] if found else source,
                    target=join(self.directory, target),
                    folder=len(sources) > 1 or target.endswith(("/", ".")),
                )
            )

    def _append(self, path: str, text: str | None) -> None:
        """Append to a file that a command wrote; one that was copied keeps its source."""
        earlier = last_placed(self.image.files, join(self.directory, path), self.work)
        if earlier is not None and earlier.origin is None:
            known = None if text is None or earlier.text is None else earlier.text + text
            self._write(path, known)
        elif earlier is None and posixpath.basename(path) in _SETTINGS:
            self._write(path, text)

    def _note_profile(self, path: str, text: str) -> None:
        """Remember what a login shell will activate."""
        if posixpath.basename(path) in _PROFILES:
            for command in read_commands(text):
                written = command.words if isinstance(command, Command) else ()
                words = self._expanded([word.text for word in written])
                folder = words and find_activated(words, self._where(self.variables))
                self.image.activated = folder or self.image.activated

    def start(self, words: list[str], environment: dict[str, str], body: str = "") -> None:
        """Follow a program, given its command line and its standard input."""
        self._write_output_option(words)
        name = posixpath.basename(words[0])
        if name in CONDAS and words[1:2] == ["run"]:
            words, environment = run_in_conda(words, self._where(environment))
            if words:
                self.start(words, environment, body)
            return
        where = self._where(environment)
        if name in _SHELLS:
            script = _script_of(words)
            if script is not None:
                if _is_login(words) and self.image.activated:
                    environment = activated(environment, self.image.activated)
                self._run_script(script, environment)
                return
            self.image.pythons = install_conda(self.image.pythons, words[1:], where)
            self._run_body(body)
        if words[1:] in ([], ["-"]) and any(
            word.text.endswith("get-pip.py") for word in self.previous
        ):
            words = [words[0], "get-pip.py"]  # curl ... | python3
        self.image.pythons = follow(self.image.pythons, words, where)
        if name in CONDAS:
            self._install_by_conda(name, words[1:], where)
        if name in _WRAPPERS and self._start_wrapped(words, environment, body):
            return
        self._follow_files(name, words)
        if (started := installer_of(words)) is not None:
            installer, arguments = started
            options, operands = parse_options(arguments)
            self._install(
                _Started(
                    installer=installer, program=words[0], options=options, environment=environment
                ),
                operands,
            )
        elif (helper := helper_of(words)) is not None:
            self._install_by_helper(*helper, environment)

    def _follow_files(self, name: str, words: Sequence[str]) -> None:
        """Follow a program that writes files or copies them."""
        if name == "uv" and words[1:3] == ["python", "pin"] and words[3:]:
            self._write(".python-version", words[3])
        elif name in ("cp", "mv"):
            self._copy([word for word in words[1:] if not word.startswith("-")])
        elif name == "tee":
            for word in words[1:]:
                self._write(word)

    def _run_script(self, script: str, environment: Mapping[str, str]) -> None:
        """Follow a script that a shell of its own runs."""
        outer = self.directory, self.directory_known, self.variables
        self.variables = dict(environment)
        self.run(script)
        self.directory, self.directory_known, self.variables = outer

    def _where(self, environment: Mapping[str, str]) -> Where:
        """Return where a command with these variables runs."""
        return Where(
            environment=environment, directory=self.directory, line=self.line, read=self._read
        )

    def _read(self, path: str) -> tuple[str | None, tuple[str, ...]]:
        """Return what a command wrote to a file, and the files of the context that it may be."""
        placed = last_placed(self.files, path, self.work)
        text = None if placed is None else placed.text
        return text, tuple(origins_of(self.files, path, self.images, self.work))

    def _write_output_option(self, words: Sequence[str]) -> None:
        for index, word in enumerate(words[1:], 1):
            option, equals, value = word.partition("=")
            if option in ("-o", "--output", "--output-file"):
                self._write(value if equals else "".join(words[index + 1 : index + 2]))

    def _start_wrapped(self, words: list[str], environment: dict[str, str], body: str) -> bool:
        """Follow a program that a wrapper starts; return whether there is one."""
        for index, word in enumerate(words[1:], 1):
            assignment = ASSIGNMENT.fullmatch(word)
            if assignment:
                environment = {**environment, assignment[1]: assignment[2]}
            elif posixpath.basename(word) in _SHELLS | CONDAS | MAKERS or is_installer(word):
                self.start(words[index:], environment, body)
                return True
        return False

    def _install(self, started: _Started, operands: list[str]) -> None:
        installer, options = started.installer, started.options
        if installer == "pip" and operands[:1] == ["config"]:
            self._configure(options, operands[1:])
        if installer == "uv":
            if operands[:1] != ["pip"]:
                return
            operands = operands[1:]
        command, packages = "".join(operands[:1]), operands[1:]
        if command not in ("install", "wheel", "download", "sync") or "dry-run" in options:
            return
        requirements, local = options.get("requirement", ()), options.get("editable", ())
        if command == "sync":  # what pip-sync looks for, where it is given nothing
            requirements = packages or (["requirements.txt"] if installer == "pip" else [])
            packages, local = [], ()
        own = {"pip"} if installer == "pip" else {"pip", "uv"}  # which depend on nothing
        named = [each for each in packages if re.split(r"[^\w.-]", each)[0].lower() not in own]
        described = [each for each in requirements if installer == "uv" and _describes(each)]
        requirements = [each for each in requirements if each not in described]
        projects, groups, unfollowed = self._metadata(described, options)
        projects = [*self._projects((*packages, *local)), *projects]
        if requirements or named or projects or groups or unfollowed:
            self.steps.append(
                replace(
                    self._step(started, command, requirements),
                    packages=tuple(named),
                    unset=tuple((each, self.unset[each]) for each in named if each in self.unset),
                    projects=tuple(projects),
                    groups=tuple(groups),
                    unfollowed=tuple(unfollowed),
                )
            )
        pip = _find_pip(packages, options) if command == "install" else None
        if pip is not None:
            self.image.pythons = self.image.pythons.with_pip(self._locate(started), pip)

    def _metadata(
        self, described: Iterable[str], options: Mapping[str, Sequence[str]]
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]:
        """Return what is installed by metadata: projects, groups, and what can't be followed."""
        projects, groups = list[tuple[str, str]](), list[tuple[str, str]]()
        unfollowed: list[str] = []
        extras = "*" if "all-extras" in options else ",".join(options.get("extra", ()))
        for name in described:
            found = self._in_context(name) if posixpath.basename(name) in _STATIC else ""
            if found:
                projects.append((posixpath.dirname(found) or ".", extras))
            else:
                unfollowed.append(f"-r {name}")
        for value in options.get("group", ()):
            path, colon, group = value.rpartition(":")
            if found := self._in_context(path if colon else "pyproject.toml"):
                groups.append((found, group))
            else:
                unfollowed.append(f"--group {value}")
        return projects, groups, unfollowed

    def _locate(self, started: _Started) -> Located:
        """Return the Python that a command installs into."""
        installer, options = started.installer, started.options
        where, pythons = self._where(started.environment), self.image.pythons
        version, word = target_version(installer, options)
        if version:
            return Located(python=Python(origin="version", version=version, word=word))
        chosen = chosen_python(pythons, f"{installer.upper()}_PYTHON", options, where)
        if chosen is not None:
            return chosen
        if installer == "uv":
            return uv_python(pythons, options, where)
        return where.find(pythons, started.program)

    def _install_by_helper(
        self, helper: str, words: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Follow a program that is given a file of the context with ``-r``, as pip would be."""
        options, _ = parse_options(words)
        files = options.get("requirement", ())
        if files and all(self._found(name) for name in files):
            pip = _Started(installer="pip", program="pip", options=options, environment=environment)
            self.steps.append(replace(self._step(pip, "install", files), helper=helper))

    def _install_by_conda(self, program: str, words: Sequence[str], where: Where) -> None:
        """Follow conda: the file of an environment may name files for pip; a list is its own."""
        asked = read_conda(words)
        if asked is None:
            return
        lists, _, _ = self._sources([each for each in asked.files if not is_conda_file(each)])
        if lists:
            stage = len(self.images) - 1
            self.others.append(
                OtherInstall(stage=stage, line=self.line, program=program, sources=lists)
            )
        files, _, _ = self._sources([each for each in asked.files if is_conda_file(each)])
        if files:
            prefix = conda_target(self.image.pythons, asked, where)
            environment = activated(where.environment, prefix)
            pip = _Started(installer="pip", program="pip", options={}, environment=environment)
            self.steps.append(replace(self._step(pip, "install", ()), conda_files=files))

    def _projects(self, packages: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield the folders of the context among packages, with the extras that are asked for."""
        for package in packages:
            path, _, extras = package.partition("[")
            if "://" in path or not (path.startswith(".") or "/" in path):
                continue
            names = (posixpath.join(path.strip(), name) for name in _STATIC)
            if found := next(filter(None, map(self._in_context, names)), ""):
                yield posixpath.dirname(found) or ".", extras.partition("]")[0]

    def _step(self, started: _Started, command: str, requirements: Sequence[str]) -> InstallCommand:
        options, environment = started.options, started.environment
        constraints = (*started.variable("CONSTRAINT").split(), *options.get("constraint", ()))
        overrides = (*started.variable("OVERRIDE").split(), *options.get("override", ()))
        overrides = overrides if started.installer == "uv" else ()
        override_sources, _, unknown_overrides = self._sources(overrides)
        self.work.spend(len(self.image.files) + len(environment))
        located = self._locate(started)
        pythons = self.image.pythons
        known, possible, unknown = self._sources(requirements)
        constraint_sources, _, unknown_constraints = self._sources(constraints)
        misplaced = (
            find_misplaced(self.image.files, join(self.directory, name), self.work)
            for name in unknown
            if not is_unknown(name) and "://" not in name
        )
        own = [item for item in environment.items() if item[0].startswith(("PIP_", "UV_"))]
        return InstallCommand(
            stage=len(self.images) - 1,
            line=self.line,
            installer=started.installer,
            command=command,
            requirements=tuple(requirements),
            location=find_location(started.program, options, environment),
            sources=known,
            possible=possible,
            constraints=constraints,
            constraint_sources=constraint_sources,
            overrides=overrides,
            override_sources=override_sources,
            link_folders=tuple(self._link_folders(started)),
            unknown=unknown + unknown_constraints + unknown_overrides,
            misplaced=tuple(filter(None, misplaced)),
            copied=tuple(
                (placed.source, placed.line)
                for placed in self.image.files
                if placed.origin == CONTEXT and placed.line
            ),
            options=install_options(options),
            environment=tuple(sorted(own)),
            python=located.python,
            manager=pythons.manager,
            configuration=tuple(self._configuration(started)),
            pip_requirement=pythons.upgraded.get(located.key),
            content=Content(directory=self.directory, files=tuple(self.files)),
        )

    def _configure(self, options: Mapping[str, Sequence[str]], operands: Sequence[str]) -> None:
        """Follow `pip config set` and `unset`."""
        action, name, *value = [*operands, "", ""]
        level = next((level for level in LEVELS if level in options), "user")
        if action == "set":
            self.image.pip_settings[level, name] = value[0]
        elif action == "unset":
            self.image.pip_settings.pop((level, name), None)

    def _configuration(self, started: _Started) -> Iterator[Configuration]:
        """Yield the configuration that an installer reads, weakest first."""
        installer, environment = started.installer, started.environment
        home = environment.get("HOME") or self.image.home
        looked_for = configuration_files(
            installer, started.program, environment, home, self.directory
        )
        files = self.files
        by_level: dict[str, list[Configuration]] = {level: [] for level in LEVELS}
        for level, path in looked_for:
            named = join(self.directory, path)
            placed = last_placed(files, named, self.work)
            sources = tuple(origins_of(files, named, self.images, self.work))
            text = None if placed is None else placed.text
            if placed is not None or sources:
                certain = placed is not None
                by_level[level].append(
                    Configuration(path=path, sources=sources, text=text, certain=certain)
                )
        for (level, name), value in self.image.pip_settings.items() if installer == "pip" else ():
            section, _, key = name.rpartition(".")
            text = f"[{section or 'global'}]\n{key} = {value}\n"
            by_level[level].append(Configuration(path="pip config set", text=text))
        for found in by_level.values():
            yield from found

    def _link_folders(self, started: _Started) -> Iterator[tuple[str, str]]:
        """Yield the folders of ``--find-links`` that are copied, with those of the context."""
        named = started.variable("FIND_LINKS").split()
        for name in dict.fromkeys((*named, *started.options.get("find-links", ()))):
            path = posixpath.join(name.removeprefix("file://"), "any-1-py3-none-any.whl")
            if inside := self._in_context(path):
                yield name, posixpath.dirname(inside) or "."

    def _sources(
        self, named: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the sources in the context of the named files, further ones, and unknown files."""
        sources: list[str] = []
        possible: list[str] = []
        unknown: list[str] = []
        for name in named:
            found = self._found(name)
            likely = found[0] if found else name
            (unknown if not found or is_unknown(likely) else sources).append(likely)
            possible.extend(path for path in found[1:] if not is_unknown(path))
        return tuple(sources), tuple(possible), tuple(unknown)

    def _in_context(self, name: str) -> str:
        """Return the most likely file of the context that a name is; empty: it is unknown."""
        likely = "".join(self._found(name)[:1])
        return "" if is_unknown(likely) else likely

    def _found(self, name: str) -> list[str]:
        if "://" in name:
            return []
        files = self.files
        found = origins_of(files, join(self.directory, name), self.images, self.work)
        if found or self.directory_known or name.startswith(("/", "$", "~")):
            return found
        # The base image has set an unknown working directory: try where files were put.
        for placed in reversed(files):
            for directory in (placed.target, posixpath.dirname(placed.target)):
                found = origins_of(files, join(directory, name), self.images, self.work)
                if found:
                    return found
        return []


def _script_of(words: Sequence[str]) -> str | None:
    """Return the script that a shell gets with ``-c`` (``-ec``, ``-lc``)."""
    for index, word in enumerate(words[1:-1], 1):
        if re.fullmatch(r"-[a-zA-Z]*c", word):
            return words[index + 1]
    return None


def _find_pip(packages: Iterable[str], options: Container[str]) -> str | None:
    """Return the requirement that changes pip itself, the last one; None where none does."""
    matches = (re.fullmatch(r"pip\s*([<>=!~].*)?", package) for package in packages)
    found = [match[0] for match in matches if match and ("upgrade" in options or match[1])]
    return found[-1] if found else None


def _is_login(words: Sequence[str]) -> bool:
    """Return whether a shell reads its start files, as a login shell or an interactive one does."""
    return any(re.fullmatch("--login|-[a-z]*[li][a-z]*", word) for word in words[1:])


def _describes(name: str) -> bool:
    """Return whether uv takes a file for a project's or a script's metadata, or a lock."""
    base = posixpath.basename(name)
    is_lock = re.fullmatch(r"pylock(\..+)?\.toml", base) is not None
    return base in _STATIC or base.endswith(".py") or is_lock


def _printed(words: Sequence[str]) -> str | None:
    """Return what `echo` or `printf` print; None for other commands."""
    if words[:1] == ["echo"]:
        text = " ".join(word for word in words[1:] if not re.fullmatch("-[neE]+", word)) + "\n"
    elif words[:1] == ["printf"] and words[1:]:
        text = words[1]
        for value in words[2:]:
            text = text.replace("%s", value, 1)
    else:
        return None
    return text.replace("\\n", "\n")
