"""The net under a rebuild: what every case, corpus file, Dockerfile and compose file comes to.

A rebuild that changes nothing for a user leaves ``tests/data/net`` as it is. Each entry holds the
report object, or the error and its exit status, and the new text of each file that a command has
changed; texts that are not UTF-8 are read as Latin-1. Addresses and folders have fixed names.

``NET=record`` writes the record anew, and ``git diff tests/data/net`` shows what has changed.
The record belongs to one Python: the hashes of sdists depend on the zlib that packed them.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from loopback_index import LoopbackIndex
from packaging.version import Version
from tools.recorded_index import load, serve

from pipflow_tasks import PipflowError, Project, RequirementsFile
from pipflow_tasks.report import write_report
from pipflow_tasks.report.json import as_object
from pipflow_tasks.settings import Settings

DATA = Path(__file__).parents[1] / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)

_SHOWN_LINES = 200
_WIDTH = 140

Act = Callable[[Project], Any]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A project in a folder, with the index that it asks."""

    folder: Path
    index: LoopbackIndex
    settings: Settings
    variables: dict[str, str] = field(default_factory=dict)

    def observe(self, act: Act) -> Any:
        """Return what a command reports, and the new text of each file that it changes."""
        before = read_all(self.folder)
        report = self._report(
            act, lambda project, plan: as_object(plan, project.apply(plan, rebuild="never"))
        )
        changed = {
            name: split(data)
            for name, data in read_all(self.folder).items()
            if data != before.get(name)
        }
        gone = [name for name in before if not (self.folder / name).exists()]
        return self._normalise({**report, "files": changed, "gone": gone})

    def rebuild(self) -> Any:
        """Return the report of a rebuild that is not carried out, which names the command."""

        def show(project: Project, plan: Any) -> dict[str, Any]:
            return {"text": write_report(plan, project.preview(plan, rebuild="auto")).splitlines()}

        return self._normalise(self._report(lambda project: project.plan_rebuild(), show))

    def _report(self, act: Act, show: Callable[[Project, Any], dict[str, Any]]) -> dict[str, Any]:
        environment = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index.url,
            "PATH": "",
            **self.variables,
        }
        with Project.open(self.folder, self.settings, environment, now=NOW) as project:
            try:
                report = show(project, act(project))
            except PipflowError as error:
                report = {"error": str(error).splitlines(), "status": error.exit_status}
        return report

    def _normalise(self, observed: dict[str, Any]) -> Any:
        """Leave out what is empty, and give folders and addresses their fixed names."""
        text = json.dumps({key: value for key, value in observed.items() if value not in ([], {})})
        host = self.index.url.split("/")[2]
        text = text.replace(str(self.folder), "/shop").replace(str(self.folder.parent), "/srv")
        text = re.sub(r"(?:\.\./){3,}", "../../../", text)  # how deep the folder lies
        return json.loads(text.replace(host, "index.example"))


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep this machine's engines, and its user's settings of them, out of the record."""
    for name in ("PATH", "HOME", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))


def read_all(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def split(data: bytes) -> list[str]:
    """Return the lines of a file with their endings."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def write_all(folder: Path, texts: dict[str, str]) -> Path:
    """Write files into a new folder that is called shop."""
    folder = folder / "shop"
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def render(value: Any, indent: str = "") -> str:
    """Write JSON so that what is short stands in one line, and keys are sorted."""
    short = json.dumps(value, sort_keys=True)
    if not isinstance(value, (dict, list)) or (indent and len(indent + short) <= _WIDTH):
        return short
    inner = f"{indent} "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {render(value[key], inner)}" for key in sorted(value)]
    else:
        parts = [render(each, inner) for each in value]
    body = ",\n".join(f"{inner}{part}" for part in parts)
    return f"{'[{'[isinstance(value, dict)]}\n{body}\n{indent}{']}'[isinstance(value, dict)]}"


def require_recorded(name: str, observed: dict[str, Any]) -> None:
    """Compare with the record, or write it."""
    path = DATA / "net" / f"{name}.json"
    text = f"{render(observed)}\n"
    if os.environ.get("NET") == "record":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return
    lines = difflib.unified_diff(
        path.read_text().splitlines(), text.splitlines(), "recorded", "observed", lineterm="", n=2
    )
    different = list(lines)
    shown = "\n".join(different[:_SHOWN_LINES])
    assert not different, f"{len(different)} lines of difference; NET=record shows all\n{shown}"


# Cases


def test_cases(tmp_path: Path) -> None:
    """Every resolution case comes to what it came to, and so does `check` before it."""
    observed: dict[str, Any] = {}
    folder = DATA / "cases"
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text())
        with LoopbackIndex() as index:
            index.with_hashes = False
            serve(index, load(folder / "index", [*case.get("index", ()), case.get("projects", {})]))
            files = {
                "requirements.txt": case["requirements"],
                "Dockerfile": [
                    f"FROM {case['image']}",
                    "COPY . .",
                    "RUN pip install -r requirements.txt",
                ],
                **case.get("files", {}),
            }
            texts = {name: "".join(f"{line}\n" for line in files[name]) for name in files}
            observed[path.stem] = observe_case(case, write_all(tmp_path / path.stem, texts), index)
    require_recorded("cases", observed)


def observe_case(case: dict[str, Any], folder: Path, index: LoopbackIndex) -> Any:
    """Check a case's project, then give its command."""
    settings = Settings(platform=case.get("platform", "linux/amd64"))
    scene = Scene(folder=folder, index=index, settings=settings)

    def act(project: Project) -> Any:
        method = getattr(project, f"plan_{case['command'].replace('-', '_')}")
        return method(**case.get("arguments", {}))

    return {
        "check": scene.observe(lambda project: project.plan_check()),
        "done": scene.observe(act),
    }


# The corpus


def test_corpus(tmp_path: Path) -> None:
    """Every file of the corpus is checked and upgraded as it was."""
    source = DATA / "requirements"
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.txt"))
    variables = {
        name: f"value-of-{name.lower().replace('_', '-')}"
        for path in source.rglob("*.txt")
        for name in re.findall(r"\$\{([A-Z0-9_]+)\}", path.read_bytes().decode("latin-1"))
    }
    observed: dict[str, Any] = {}
    with LoopbackIndex() as index:
        fill(index, source, names)
        for number, name in enumerate(names):
            folder = tmp_path / str(number) / "shop"
            shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.json"))
            for path in folder.rglob("*.txt"):
                path.write_bytes(lead_to(index, path.read_bytes()))
            scene = Scene(
                folder=folder,
                index=index,
                settings=Settings(file=name, python="3.9", platform="linux/amd64"),
                variables=variables,
            )
            observed[name] = observe_corpus(scene)
    require_recorded("corpus", observed)


def observe_corpus(scene: Scene) -> Any:
    """Check a file, then upgrade it with and without a look at dependencies."""
    before = read_all(scene.folder)
    check = scene.observe(lambda project: project.plan_check())
    alone = scene.observe(lambda project: project.plan_upgrade_all(force=True, resolve=False))
    for name, data in before.items():
        (scene.folder / name).write_bytes(data)
    together = scene.observe(lambda project: project.plan_upgrade_all(force=True))
    same = "as alone" if together == alone else together
    return {"check": check, "alone": alone, "together": same}


def fill(index: LoopbackIndex, source: Path, names: list[str]) -> None:
    """Serve all that the corpus names, each project with a version that is newer than all pins."""
    pins: dict[str, set[Version]] = defaultdict(set)
    for name in names:
        for line in RequirementsFile.from_bytes((source / name).read_bytes()).lines:
            if line.name is not None:
                pins[line.name].add(line.pin or Version("0.1"))
    for project, versions in pins.items():
        newest = max(versions)
        epoch = f"{newest.epoch}!" if newest.epoch else ""
        for local in {version.local for version in versions}:
            label = f"+{local}" if local else ""
            versions = versions | {Version(f"{epoch}{newest.release[0] + 1}.0.10{label}")}
        for version in sorted(versions):
            index.add(project, str(version), sdist=True)


def lead_to(index: LoopbackIndex, text: bytes) -> bytes:
    """Let the addresses behind the index options of a requirements file lead to an index."""
    host = index.url.split("/")[2].encode()
    option = rb"(?:-i|--pypi-url|--(?:extra-)?index(?:-url)?)"
    return re.sub(
        rb"(%b(?:[ \t=]|\\\r?\n)*)https?://((?:\S*@)?)example\.com(?::\d+)?" % option,
        rb"\g<1>http://\g<2>" + host,
        text,
    )


# Dockerfiles and compose files


@pytest.fixture
def varied() -> Any:
    """Serve a project whose versions tell a Python, a libc and an install step's options apart."""
    with LoopbackIndex() as index:
        for minor in range(6, 15):
            index.add("lib", f"1.{minor}", requires_python=f">=3.{minor}")
            index.add("lib", f"2.{minor}", wheel=False, sdist=True, requires_python=f">=3.{minor}")
            index.add("lib", f"3.{minor}rc1", requires_python=f">=3.{minor}")
            for libc in ("manylinux_2_17", "manylinux_2_36", "musllinux_1_1"):
                for machine in ("x86_64", "aarch64"):
                    python = f"cp3{minor}"
                    index.add("wheels", f"1.{minor}", tags=[f"{python}-{python}-{libc}_{machine}"])
        index.add("low", "1.0")
        index.add("low", "2.0")
        index.add("lib", "1.0", requires_dist=["low<2"])
        yield index


def observe_project(folder: Path, index: LoopbackIndex, settings: Settings, **rest: Any) -> Any:
    """Check a project, rebuild it without carrying that out, and add to it."""
    scene = Scene(folder=folder, index=index, settings=settings, **rest)
    return {
        "check": scene.observe(lambda project: project.plan_check(offline=True)),
        "rebuild": scene.rebuild(),
        "add": scene.observe(lambda project: project.plan_add("lib wheels")),
    }


def test_dockerfiles(tmp_path: Path, varied: LoopbackIndex) -> None:
    """Every Dockerfile is read as it was, for each file that it installs."""
    observed: dict[str, Any] = {}
    for path in sorted((DATA / "dockerfiles").glob("*.json")):
        case = json.loads(path.read_text())
        given = case.get("given", {})
        steps = case["expected"].get("steps", ())
        sources = sorted({source for step in steps for source in step.get("sources", ())})
        text = path.with_suffix(".Dockerfile").read_bytes().decode()
        address = varied.url.replace("http://", r"http://\g<1>").rstrip("/")
        text = re.sub(r"https://((?:\S*@)?)\w+\.example\.com/\w+", address, text)
        texts = {"Dockerfile": text, **dict.fromkeys(sources or ["requirements.txt"], "low==1.0\n")}
        texts |= {name: "low<2\n" for step in steps for name in step.get("constraint_sources", ())}
        if arguments := given.get("build_args"):
            build = {"context": ".", "args": arguments}
            texts["compose.yaml"] = json.dumps({"services": {"app": {"build": build}}})
        observed[path.stem] = {
            source: observe_project(
                write_all(tmp_path / path.stem / str(number), texts),
                varied,
                Settings(file=source, platform=given.get("platform", "")),
            )
            for number, source in enumerate(sources or ["requirements.txt"])
        }
    require_recorded("dockerfiles", observed)


def test_compose_files(tmp_path: Path, varied: LoopbackIndex) -> None:
    """Every compose file is read as it was, for all services and for each alone."""
    observed: dict[str, Any] = {}
    for path in sorted((DATA / "compose").glob("*.json")):
        case = json.loads(path.read_text())
        services = [each for each in case["expected"].get("services", ()) if "build" in each]
        texts = {
            file.name: file.read_bytes().decode()
            for file in sorted(path.parent.glob(f"{path.stem}.*"), key=lambda file: len(file.name))
            if file.suffix == ".yaml"
        }
        variables = {**case.get("environment", {}), "COMPOSE_FILE": ":".join(texts)}
        for number, service in enumerate(services):
            context = Path(service["build"].get("context", "."))
            if not context.is_absolute() and ":" not in str(context):
                dockerfile = str(context / service["build"].get("dockerfile", "Dockerfile"))
                stage = service["build"].get("target", f"stage{number}")
                texts[dockerfile] = texts.get(dockerfile, "") + (
                    f"FROM python:3.{9 + number}-slim AS {stage}\nCOPY requirements.txt .\n"
                    "RUN pip install -r requirements.txt\n"
                )
                texts[str(context / "requirements.txt")] = "low==1.0\n"
        observed[path.stem] = {
            service or "all": observe_project(
                write_all(tmp_path / path.stem / str(number), texts),
                varied,
                Settings(service=service, platform="linux/amd64"),
                variables=variables,
            )
            for number, service in enumerate(["", *(each["name"] for each in services)])
        }
    require_recorded("compose", observed)


def test_examples(tmp_path: Path, varied: LoopbackIndex) -> None:
    """The examples are read as they were."""
    observed: dict[str, Any] = {}
    for name in ("single", "monorepo/services/api", "monorepo/services/web"):
        folder = tmp_path / name / "shop"
        shutil.copytree(EXAMPLES / name, folder)
        observed[name] = observe_project(folder, varied, Settings(platform="linux/amd64"))
    require_recorded("examples", observed)
