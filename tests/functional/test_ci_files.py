"""What CI systems and pre-commit run: the action, the templates and the hook, run as they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from functional.temporary_project import NO_ADVICE, TemporaryProject
from loopback_index import LoopbackIndex

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
GITHUB = ROOT / "examples" / "ci" / "github-upgrade.yml"
GITLAB = ROOT / "examples" / "ci" / "gitlab-upgrade.yml"
WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Tests"), ("EMAIL", "tests@example.com"))
}


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Make the project a git repository whose one pin can move."""
    for version in ("1.0", "2.0"):
        index.add("lib", version)
    project.requirements = "lib==1.0\n"
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "Begin"]):
        done = run(project, "git", *words)
        assert done.returncode == 0, done.stderr


def run(
    project: TemporaryProject, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder, with the programs of this machine."""
    environment = {
        **project.environment,
        **WHO,
        "PATH": f"{project.programs}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **variables,
    }
    return subprocess.run(
        words,
        cwd=project.folder,
        env=environment,
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def put_pipflow(folder: Path) -> None:
    """Put a ``pipflow`` that is this one into a virtual environment's place."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "pipflow"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipflow_tasks "$@"\n')
    program.chmod(0o755)


class Ran:
    """What a step of the action has left: status, outputs, summary."""

    def __init__(self, done: subprocess.CompletedProcess[str], temporary: Path) -> None:
        self.done = done
        self.status = done.returncode
        self.summary = (temporary / "summary").read_text()
        text = (temporary / "output").read_text()
        self.outputs = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        for name, end, value in re.findall(
            r"^(\w+)<<(\w+)\n(.*?)^\2$", text, re.MULTILINE | re.DOTALL
        ):
            assert len(end) == 32
            self.outputs[name] = value


def run_step(
    project: TemporaryProject, temporary: Path, step: Mapping[str, Any], inputs: Mapping[str, str]
) -> Ran:
    """Run a step as the runner does: inputs are filled in, and bash stops at an error."""
    given = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
    given |= inputs

    def fill(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], text)

    assert step["shell"] == "bash"
    assert "${{" not in step["run"]  # no input is part of a script
    for name in ("output", "summary"):
        (temporary / name).write_text("")
    done = run(
        project,
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]),
        RUNNER_TEMP=str(temporary),
        GITHUB_ACTION_PATH=str(ROOT),
        GITHUB_OUTPUT=str(temporary / "output"),
        GITHUB_STEP_SUMMARY=str(temporary / "summary"),
        **{name: fill(text) for name, text in step.get("env", {}).items()},
    )
    return Ran(done, temporary)


def run_action(project: TemporaryProject, temporary: Path, **inputs: str) -> Ran:
    """Run the action's step with inputs."""
    put_pipflow(temporary / "pipflow")
    return run_step(project, temporary, ACTION["runs"]["steps"][1], inputs)


def test_action_moves_pins_and_reports(project: TemporaryProject, tmp_path: Path) -> None:
    """The file changes, nothing is built, and the outputs say so."""
    docker = project.stand_in("docker", {"version": 0, "build": 0})
    ran = run_action(project, tmp_path)
    assert ran.status == 0, ran.done.stderr
    assert (project.requirements, docker.built) == ("lib==2.0\n", [])
    assert ran.outputs["changed"] == "true"
    assert "| lib | 1.0 | 2.0 |" in ran.outputs["report"]
    assert ran.summary == ran.outputs["report"]


def test_action_builds_if_asked_to(project: TemporaryProject, tmp_path: Path) -> None:
    """With ``isolated: false`` the image is built."""
    docker = project.stand_in("docker", {"version": 0, "build": 0})
    assert run_action(project, tmp_path, isolated="false").status == 0
    assert len(docker.built) == 1


@pytest.mark.parametrize(
    ("inputs", "status", "changed", "after"),
    [
        ({"command": "outdated", "options": "--exit-code"}, 2, "false", "lib==1.0\n"),
        ({"command": "add", "options": "'other == 9' lib"}, 1, "false", ""),
        (
            {"command": "add", "options": "'new >= 1' other"},
            0,
            "true",
            "lib==1.0\nnew==1\nother==1\n",
        ),
        ({"options": "--only lib; touch pwned"}, 1, "false", ""),
        ({"options": "--only 'lib"}, 1, "", ""),
        ({"options": "--only lib --file ''"}, 0, "true", "lib==2.0\n"),
        ({"command": "check; touch pwned"}, 1, "false", ""),
    ],
)
def test_action_takes_options(
    project: TemporaryProject,
    index: LoopbackIndex,
    tmp_path: Path,
    inputs: Mapping[str, str],
    status: int,
    changed: str,
    after: str,
) -> None:
    """Options are words as in a shell, but no shell reads them; the status is pipflow's."""
    for name in ("new", "other"):
        index.add(name, "1")
    ran = run_action(project, tmp_path, **inputs)
    assert (ran.status, ran.outputs.get("changed", "")) == (status, changed), ran.done.stderr
    assert project.requirements == (after or "lib==1.0\n")
    assert not (project.folder / "pwned").exists()


def test_action_annotates_what_check_finds(project: TemporaryProject, tmp_path: Path) -> None:
    """Findings are shown at their lines; the status is that of ``check``."""
    project.write("Dockerfile", "FROM python:3.12-slim\nRUN pip install -r requirements.txt\n")
    ran = run_action(project, tmp_path, command="check", options="--offline")
    assert (ran.status, ran.outputs["changed"]) == (1, "false"), ran.done.stderr
    assert "::error file=Dockerfile,line=2," in ran.done.stdout
    assert "Dockerfile:2" in ran.summary


def test_action_in_a_folder(project: TemporaryProject, tmp_path: Path) -> None:
    """The folder of a project in a repository of several is taken."""
    project.write("api/requirements.txt", "lib==1.0\n")
    project.write("api/Dockerfile", project.read("Dockerfile"))
    run(project, "git", "add", ".")
    run(project, "git", "commit", "-qm", "More")
    ran = run_action(project, tmp_path, folder="api")
    assert (ran.status, ran.outputs["changed"]) == (0, "true"), ran.done.stderr
    assert (project.requirements, project.read("api/requirements.txt")) == (
        "lib==1.0\n",
        "lib==2.0\n",
    )


def test_action_sees_what_changes_elsewhere(project: TemporaryProject, tmp_path: Path) -> None:
    """A file that is included from another folder has changed, and one that git does not know."""
    project.write("base.txt", "lib==1.0\n")
    project.write("api/requirements.txt", "-r ../base.txt\n")
    project.write(
        "api/Dockerfile", "FROM python:3.12-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"
    )
    ran = run_action(project, tmp_path, folder="api", options="--file requirements.txt")
    assert (ran.status, ran.outputs["changed"]) == (0, "true"), ran.done.stderr
    assert project.read("base.txt") == "lib==2.0\n"


@pytest.mark.online
def test_action_installs_pipflow(project: TemporaryProject, tmp_path: Path) -> None:
    """The first step makes a virtual environment with this very pipflow."""
    environment = {key: os.environ[key] for key in os.environ if key.startswith(("PIP_", "SSL_"))}
    project.environment.pop("PIP_INDEX_URL", None)
    project.environment.pop("PIP_CONFIG_FILE", None)
    project.environment |= environment
    install, _ = ACTION["runs"]["steps"]
    ran = run_step(project, tmp_path, install, {})
    assert ran.status == 0, ran.done.stderr
    shown = run(project, str(tmp_path / "pipflow" / "bin" / "pipflow"), "--version")
    assert (shown.returncode, shown.stdout.startswith("pipflow ")) == (0, True), shown.stderr


def test_workflow_uses_what_the_action_has() -> None:
    """Inputs and outputs of the example are those of the action."""
    steps = yaml.safe_load(GITHUB.read_text())["jobs"]["upgrade"]["steps"]
    (ours,) = (step for step in steps if "pipflow_tasks" in step.get("uses", ""))
    assert set(ours["with"]) <= set(ACTION["inputs"])
    used = set(re.findall(rf"steps\.{ours['id']}\.outputs\.(\w+)", GITHUB.read_text()))
    assert used == set(ACTION["outputs"])


def test_page_names_hooks_that_there_are() -> None:
    """The configuration for pre-commit in the page about CI has a hook of this repository."""
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    (block,) = re.findall(
        r"^```yaml\n(# \.pre-commit-config.*?)^```", page, re.DOTALL | re.MULTILINE
    )
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (repository,) = yaml.safe_load(block)["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == [hook["id"] for hook in hooks]


@pytest.mark.parametrize("is_newest", [False, True])
def test_gitlab_job(project: TemporaryProject, tmp_path: Path, is_newest: bool) -> None:
    """Its script pushes a branch with the new pins and asks for a merge request; else nothing."""
    if is_newest:
        project.requirements = "lib==2.0\n"
        run(project, "git", "commit", "-qam", "Newest")
    remote = tmp_path / "remote.git"
    run(project, "git", "init", "-q", "--bare", str(remote))
    run(project, "git", "--git-dir", str(remote), "config", "receive.advertisePushOptions", "true")
    hook = remote / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_[0-9] | sort > {tmp_path}/options\n")
    hook.chmod(0o755)
    put_pipflow(tmp_path / "pipflow")
    script = "\n".join(yaml.safe_load(GITLAB.read_text())["upgrade pins"]["script"])
    lines = re.sub(r"/tmp/", f"{tmp_path}/", script).splitlines()
    installing = [line for line in lines if "-m venv" in line or "pip install" in line]
    assert len(installing) == 2
    done = run(
        project,
        *("bash", "-eo", "pipefail", "-c"),
        "\n".join(line for line in lines if line not in installing),
        CI_SERVER_HOST="gitlab.example",
        CI_PROJECT_PATH="us/shop",
        CI_DEFAULT_BRANCH="main",
        PIPFLOW_TOKEN="secret",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{remote}.insteadOf",
        GIT_CONFIG_VALUE_0="https://oauth2:secret@gitlab.example/us/shop.git",
    )
    assert done.returncode == 0, done.stderr
    pushed = run(project, "git", "--git-dir", str(remote), "log", "--format=%s", "pipflow/upgrade")
    assert pushed.stdout.splitlines()[:1] == ([] if is_newest else ["Upgrade pins"])
    if not is_newest:
        told = (tmp_path / "options").read_text()
        assert "merge_request.create" in told
        assert "merge_request.target=main" in told


@pytest.mark.online
def test_hook_is_run_by_pre_commit(project: TemporaryProject, tmp_path: Path) -> None:
    """pre-commit installs the hook from this repository; it passes, or names what is wrong."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    newest = run(project, "git", "-C", str(ROOT), "rev-parse", "HEAD").stdout.strip()
    hook = f"{{repo: {ROOT}, rev: {newest}, hooks: [{{id: pipflow-check}}]}}"
    project.write(".pre-commit-config.yaml", f"repos: [{hook}]\n")
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE"):  # what it installs is on the real index
        project.environment.pop(name, None)
    environment = {key: os.environ[key] for key in os.environ if key.startswith(("PIP_", "SSL_"))}
    environment |= {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "HOME": str(project.home)}
    environment |= NO_ADVICE
    words = (sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose")
    done = run(project, *words, **environment)
    assert (done.returncode, "no problems found" in done.stdout) == (0, True), done.stdout
    project.write("Dockerfile", "FROM python:3.12-slim\nRUN pip install -r requirements.txt\n")
    done = run(project, *words, **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Dockerfile:2: error: " in done.stdout or "error     Dockerfile:2" in done.stdout
