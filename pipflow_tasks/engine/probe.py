"""Ask a base image for its Python, if an engine has the image; nothing is pulled.

One ``run`` of the image starts its own Python on the text of ``inside``: the one that its ``pip``
belongs to, else ``python``, else ``python3``. The container has no network and is removed. The
answer is kept by the image's id in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import TargetError, redact
from ..processes import Ended, ProgramError, run_program
from ..target import docker_platform
from ..target.interpreter import Interpreter
from ..values import Pattern
from .containers import new_name, remove_container
from .programs import engine_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..plan import Builder

_INSPECT_SECONDS = 5
_RUN_SECONDS = 60
_NOT_FOUND = 127
_CANNOT_START = {126, _NOT_FOUND}
_ABSENT = Pattern(r"no such (?:image|object)|image not known|failed to find image", re.I)
_SHELL = """\
script=$1 folder=$2 line= failed=
shift 2
[ -x "$folder/python" ] && exec "$folder/python" -c "$script"
pip=$(command -v pip || command -v pip3) && IFS= read -r line <"$pip"
case $line in
  "#!"*" "*) ;;
  "#!/"*python*) set -- "${line#??}" "$@" ;;
esac
for python; do
  command -v "$python" >/dev/null || continue
  "$python" -c "$script" && exit
  failed=$?
done
[ -z "$failed" ] || exit "$failed"
ID= VERSION_ID=
[ -r /etc/os-release ] && . /etc/os-release
printf '{"python": null, "release": "%s:%s"}\n' "$ID" "$VERSION_ID"
"""


class ProbeResult(Struct, frozen=True, kw_only=True):
    """What an engine knows of a base image.

    Attributes:
        interpreter: what the image says; None where it could not be asked.
        is_absent: the engine answers, and does not have the image.
        failure: why an existing image could not be asked, or an empty string.
    """

    interpreter: Interpreter | None = None
    is_absent: bool = False
    failure: str = ""


class BaseImages:
    """The base images that an engine has; each is asked once.

    Attributes:
        engine: ``docker`` or ``podman``; None: there is none to ask.
        for_patch: also those are to be asked whose names say their Python's series alone.
    """

    def __init__(
        self, engine: str | None, environment: Mapping[str, str], *, for_patch: bool = False
    ) -> None:
        self.for_patch = for_patch
        self.engine = engine if engine and shutil.which(engine) else None
        self._environment = environment
        self._answers: dict[tuple[str, str], ProbeResult] = {}

    @classmethod
    def of(
        cls, builder: Builder | None, environment: Mapping[str, str], *, for_patch: bool = False
    ) -> BaseImages:
        """Return the images of a builder's engine."""
        if builder is None or builder.name not in {"compose", "docker", "podman"}:
            return cls(None, environment)
        return cls(engine_of(builder), environment, for_patch=for_patch)

    def ask(self, reference: str, *, folder: str = "") -> ProbeResult:
        """Ask an image for its Python, or that in a folder of programs (``/opt/venv/bin``).

        Without an engine that answers, the result is empty.
        """
        if self.engine is None or reference == "scratch" or reference.startswith("-"):
            return ProbeResult()
        key = reference, folder
        if key not in self._answers:
            try:
                self._answers[key] = self._ask(self.engine, reference, folder)
            except (TargetError, ProgramError) as error:
                self._answers[key] = ProbeResult(failure=str(error))
        return self._answers[key]

    def _ask(self, engine: str, reference: str, folder: str) -> ProbeResult:
        try:
            inspected = _inspect(engine, reference, self._environment)
        except ProgramError:
            return ProbeResult()
        if inspected.status != 0:
            return ProbeResult(is_absent=bool(_ABSENT.search(inspected.error_text)))
        identity, platform = _read_inspection(inspected.text)
        kept = _path_of_answer(identity, folder, self._environment)
        with contextlib.suppress(OSError, UnicodeDecodeError, TargetError):
            text = kept.read_text("utf-8")
            return ProbeResult(
                interpreter=Interpreter.from_json(text, image=reference, platform=platform)
            )
        if folder:
            text = _run_python_in(folder, engine, identity, self._environment)
        else:
            text = run_python(engine, identity, _read_script(), self._environment)
        interpreter = Interpreter.from_json(text, image=reference, platform=platform)
        _keep(text, kept)
        return ProbeResult(interpreter=interpreter)


def inspect_image(engine: str, reference: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return an image's id and platform; both are empty where the engine does not have it.

    Raises:
        ProgramError: the engine can't be asked, or does not answer.
    """
    inspected = _inspect(engine, reference, environment)
    if inspected.status == 0:
        return _read_inspection(inspected.text)
    if _ABSENT.search(inspected.error_text):
        return "", ""
    lines = inspected.error_text.strip().splitlines() or ["it printed nothing"]
    raise ProgramError(redact(lines[-1]))


def _inspect(engine: str, reference: str, environment: Mapping[str, str]) -> Ended:
    words = [engine, "image", "inspect", reference]
    return run_program(words, timeout_seconds=_INSPECT_SECONDS, added=environment)


def _path_of_answer(identity: str, folder: str, environment: Mapping[str, str]) -> Path:
    """Return the file for an image's answer; it depends on our script, too."""
    cache_folder = environment.get("XDG_CACHE_HOME", "")
    if not Path(cache_folder).is_absolute():
        cache_folder = os.path.expanduser("~/.cache")  # noqa: PTH111 - Path's fails without a home
    script = hashlib.sha256((_SHELL + _read_script() + folder).encode()).hexdigest()[:16]
    return Path(cache_folder) / "pipflow" / "images" / f"{identity}-{script}.json"


def _keep(text: str, file: Path) -> None:
    """Write an answer in one step, for this user only: an index address may hold a password."""
    with contextlib.suppress(OSError):  # the image is asked again next time
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(text)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink()
            raise


def _read_inspection(text: str) -> tuple[str, str]:
    """Return an image's id, without its algorithm, and its platform as Docker names it."""
    try:
        inspected = json.loads(text)[0]
        identity = str(inspected["Id"]).rpartition(":")[2]
        parts = [inspected["Os"], inspected["Architecture"], inspected.get("Variant")]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProgramError("what `image inspect` printed is not valid") from error
    if not re.fullmatch(r"[0-9a-f]{64}", identity):
        raise ProgramError(f"`{identity}` is no image id")
    return identity, docker_platform("/".join(str(part) for part in parts if part))


@cache
def _read_script() -> str:
    return Path(__file__).with_name("inside.py").read_text("utf-8")


def run_python(
    engine: str, identity: str, script: str, added: Mapping[str, str], *, folder: str = ""
) -> str:
    """Run an image's Python and return what it printed; an id alone is never pulled.

    That is the one in ``folder``, if there is one.

    Raises:
        ProgramError: it can't be run, failed, or took too long.
    """
    words = ["sh", "-c", _SHELL, "sh", script, folder, "python", "python3"]
    done = _run_image(engine, identity, words, added)
    if done.status == _NOT_FOUND:  # without a shell, as distroless images are
        done = _run_image(engine, identity, ["python3", "-c", script], added)
        if done.status == _NOT_FOUND and "python3" in done.error_text:
            return '{"python": null}'
    if done.status != 0:
        raise _failure(done)
    return done.text


def _run_python_in(folder: str, engine: str, identity: str, added: Mapping[str, str]) -> str:
    """Return what the Python of a folder says of itself, or that there is none.

    Raises:
        ProgramError: it can't be run, failed, or took too long.
    """
    python = f"{folder}/python"
    done = _run_image(engine, identity, [python, "-c", _read_script()], added)
    if done.status in _CANNOT_START and python in done.error_text:
        return '{"python": null}'
    if done.status != 0:
        raise _failure(done)
    return done.text


def _failure(done: Ended) -> ProgramError:
    lines = done.error_text.strip().splitlines() or ["it printed nothing"]
    return ProgramError(redact(f"its run ended with status {done.status}: {lines[-1]}"))


def _run_image(engine: str, identity: str, words: Sequence[str], added: Mapping[str, str]) -> Ended:
    name = new_name()
    options = ["--rm", "--name", name, "--network", "none", "--workdir", "/", "--entrypoint", ""]
    try:
        return run_program(
            [engine, "run", *options, identity, *words], timeout_seconds=_RUN_SECONDS, added=added
        )
    except BaseException:  # the container would outlive its client
        remove_container(engine, name, added)
        raise
