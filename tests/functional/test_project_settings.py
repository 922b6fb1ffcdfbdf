"""Settings from invoke.yaml, the environment and tasks.py, for every way to run a task."""

from __future__ import annotations

import subprocess

import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("new", "1")
    project.requirements = "lib==1.0\n"
    project.write("reqs/base.txt", "lib==1.0\n")


CONFIGURED = """\
import pipflow_tasks
from invoke import Collection, task

deps = pipflow_tasks.namespace

@task(pre=[deps["upgrade-all"]])
def ci(c):
    print("ci ran")

namespace = Collection(ci, {mount}=deps)
{configure}
"""


@pytest.mark.parametrize("name", ["invoke.yaml", "invoke.json"])
@pytest.mark.parametrize("words", [("deps.upgrade-all",), ("ci",)], ids=" ".join)
def test_configuration_file(project: TemporaryProject, name: str, words: tuple[str, ...]) -> None:
    """Settings are under `pipflow` in Invoke's file; a pre-task has them, too."""
    project.write("tasks.py", CONFIGURED.format(mount="deps", configure=""))
    project.write(
        name,
        {
            "invoke.yaml": "pipflow:\n  file: reqs/base.txt\n",
            "invoke.json": '{"pipflow": {"file": "reqs/base.txt"}}',
        }[name],
    )
    assert project.invoke(*words).status == 0
    assert (project.requirements, project.read("reqs/base.txt")) == ("lib==1.0\n", "lib==2.0\n")


@pytest.mark.parametrize("words", [("deps.upgrade-all",), ("ci",)], ids=" ".join)
def test_environment(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """`INVOKE_PIPFLOW_*` are settings; a pre-task has them, too."""
    project.write("tasks.py", CONFIGURED.format(mount="deps", configure=""))
    done = project.invoke(*words, environment={"INVOKE_PIPFLOW_FILE": "reqs/base.txt"})
    assert done.status == 0
    assert (project.requirements, project.read("reqs/base.txt")) == ("lib==1.0\n", "lib==2.0\n")


@pytest.mark.parametrize("words", [("deps.upgrade-all",), ("ci",)], ids=" ".join)
def test_configure_of_the_root(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """`Collection.configure` of the root holds settings; a pre-task has them, too."""
    configure = 'namespace.configure({"pipflow": {"file": "reqs/base.txt"}})'
    project.write("tasks.py", CONFIGURED.format(mount="deps", configure=configure))
    assert project.invoke(*words).status == 0
    assert (project.requirements, project.read("reqs/base.txt")) == ("lib==1.0\n", "lib==2.0\n")


@pytest.mark.parametrize("words", [("deps.upgrade-all",), ("ci",)], ids=" ".join)
def test_environment_comes_before_files(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """The environment overrides invoke.yaml, which overrides tasks.py."""
    configure = 'namespace.configure({"pipflow": {"file": "none.txt", "rebuild": "always"}})'
    project.write("Dockerfile", dockerfile("3.9", "reqs/base.txt"))
    project.write("tasks.py", CONFIGURED.format(mount="deps", configure=configure))
    project.write("invoke.yaml", "pipflow:\n  file: other.txt\n  rebuild: never\n")
    done = project.invoke(*words, environment={"INVOKE_PIPFLOW_FILE": "reqs/base.txt"})
    assert done.status == 0
    assert project.read("reqs/base.txt") == "lib==2.0\n"
    assert "not built, as requested" in done.stdout


def test_pre_task_runs_first_and_can_stop(project: TemporaryProject) -> None:
    """A pre-task of ours runs before the other task, and its failure stops that task."""
    project.write("tasks.py", CONFIGURED.format(mount="deps", configure=""))
    done = project.invoke("ci")
    assert (done.status, done.stdout.splitlines()[-1]) == (0, "ci ran")
    project.requirements = "nonsuch==1\n"
    done = project.invoke("ci")
    assert (done.status, done.stdout) == (1, "")


def test_name_of_the_mount_does_not_matter(project: TemporaryProject) -> None:
    """Settings are under `pipflow`, whatever the namespace is mounted as."""
    project.write("tasks.py", CONFIGURED.format(mount="packages", configure=""))
    project.write("invoke.yaml", "pipflow:\n  file: reqs/base.txt\n")
    assert project.invoke("packages.upgrade-all").status == 0
    assert project.read("reqs/base.txt") == "lib==2.0\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pipflow:\n  fil: reqs/base.txt\n", "did you mean file"),
        ("pipflow:\n  rebuild: sometimes\n", "auto, always, never"),
        ("pipflow:\n  builder: kaniko\n", "auto"),
        ("pipflow:\n  sort: upside-down\n", "block"),
        ("pipflow:\n  timeout_seconds: soon\n", "seconds"),
        ("pipflow:\n  python: 3.10\n", "quotes"),
        ('pipflow:\n  python: "2.7"\n', "2.7"),
        ("pipflow:\n  platform: solaris\n", "solaris"),
        ("pipflow:\n  dockerfile: none/Dockerfile\n", "none/Dockerfile"),
        ("pipflow:\n  service: app\n", "compose"),
        ("pipflow: yes\n", "pipflow"),
        ("pipflow:\n  - file\n", "pipflow"),
    ],
)
def test_wrong_setting_is_refused(project: TemporaryProject, text: str, said: str) -> None:
    """A setting that is unknown or can't be so: status 1, named, nothing changed."""
    project.write("invoke.yaml", text)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", "lib==1.0\n")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("word", "built"), [("true", 1), ("auto", 1), ("AUTO", 1), ("no", None)])
def test_words_of_rebuild(project: TemporaryProject, word: str, built: int | None) -> None:
    """`true` means `auto`; an unknown value is refused, and does not count as true."""
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all", environment={"INVOKE_PIPFLOW_REBUILD": word})
    assert done.status == (1 if built is None else 0)
    assert len(docker.built) == (built or 0)


@pytest.mark.parametrize("root", ["../shop", "."])
def test_search_root(project: TemporaryProject, index: LoopbackIndex, root: str) -> None:
    """`invoke -r DIR` edits and builds the project in DIR, also from a folder elsewhere."""
    docker = project.stand_in("docker", ENGINE)
    elsewhere = project.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "requirements.txt").write_text("other==1\n")
    within = "../elsewhere" if root.startswith("..") else "."
    assert project.invoke("-r", root, "deps.upgrade-all", within=within).status == 0
    assert project.requirements == "lib==2.0\n"
    assert (elsewhere / "requirements.txt").read_text() == "other==1\n"
    assert [call.folder for call in docker.builds] == [project.folder]


def test_search_root_with_another_collection(project: TemporaryProject) -> None:
    """`invoke -r DIR -c NAME` edits the project in DIR as well."""
    project.write("chores.py", project.read("tasks.py"))
    project.remove("tasks.py")
    elsewhere = project.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "requirements.txt").write_text("lib==1.0\n")
    words = ("-r", str(project.folder), "-c", "chores", "deps.upgrade-all")
    assert project.invoke(*words, within="../elsewhere").status == 0
    assert (elsewhere / "requirements.txt").read_text() == "lib==1.0\n"
    assert project.requirements == "lib==2.0\n"


def test_tasks_in_a_folder(project: TemporaryProject) -> None:
    """A project whose tasks are a package in `tasks/` is found from a folder below as well."""
    project.write("tasks/__init__.py", project.read("tasks.py"))
    project.remove("tasks.py")
    project.write("src/requirements.txt", "lib==1.0\n")
    assert project.invoke("deps.upgrade-all", within="src").status == 0
    assert project.requirements == "lib==2.0\n"
    assert project.read("src/requirements.txt") == "lib==1.0\n"


def test_namespace_as_the_root(project: TemporaryProject) -> None:
    """In a tasks.py with only the namespace, the tasks have no prefix."""
    project.write("tasks.py", "from pipflow_tasks import namespace\n")
    assert project.invoke("upgrade-all").status == 0
    assert project.requirements == "lib==2.0\n"


MONOREPO = """\
from invoke import Collection
from pipflow_tasks import namespace_for

namespace = Collection(
    api=namespace_for("services/api", service="api"),
    web=namespace_for("services/web", image="team/web", file="requirements/base.txt"),
)
"""


@pytest.fixture
def monorepo(project: TemporaryProject) -> TemporaryProject:
    """A repository with two services, each with its own namespace, requirements and image."""
    project.write("tasks.py", MONOREPO)
    project.write("services/api/Dockerfile", dockerfile("3.11"))
    project.write("services/web/Dockerfile", dockerfile("3.12", "requirements/base.txt"))
    project.write(
        "services/api/compose.yaml", "services:\n  api:\n    build: .\n  db:\n    image: db\n"
    )
    project.write("services/api/requirements.txt", "lib==1.0\n")
    project.write("services/web/requirements/base.txt", "lib==1.0\n")
    return project


def test_two_mounts_both_run(monorepo: TemporaryProject) -> None:
    """Equal tasks of two namespaces are two tasks: each changes and builds its own service."""
    docker = monorepo.stand_in("docker", {**ENGINE, **COMPOSE_V2})
    done = monorepo.invoke("api.upgrade-all", "web.upgrade-all", within="services")
    assert done.status == 0
    assert monorepo.read("services/api/requirements.txt") == "lib==2.0\n"
    assert monorepo.read("services/web/requirements/base.txt") == "lib==2.0\n"
    assert monorepo.requirements == "lib==1.0\n"
    assert docker.built == [
        "compose build api",
        "build --tag team/web --file Dockerfile .",
    ]
    assert [call.folder.name for call in docker.builds] == ["api", "web"]


def test_mounts_have_their_own_target(monorepo: TemporaryProject, index: LoopbackIndex) -> None:
    """Each namespace chooses for its own image."""
    index.add("lib", "3.0", requires_python=">=3.12")
    assert monorepo.invoke("api.upgrade-all", "web.upgrade-all").status == 0
    assert monorepo.read("services/api/requirements.txt") == "lib==2.0\n"
    assert monorepo.read("services/web/requirements/base.txt") == "lib==3.0\n"


def test_failing_mount_stops_the_chain(monorepo: TemporaryProject) -> None:
    """If the build of the first service fails, the second is not changed."""
    monorepo.stand_in("docker", {**ENGINE, **COMPOSE_V2, "compose build": 1})
    before = monorepo.contents()
    done = monorepo.invoke("api.upgrade-all", "web.upgrade-all")
    assert (done.status, monorepo.contents()) == (3, before)


@pytest.mark.parametrize("command", ["upgrade-all", "outdated", "check", "why lib", "why-not lib"])
def test_reports_name_the_service(monorepo: TemporaryProject, command: str) -> None:
    """A report names the service, whether the command may build its image or not."""
    task, *packages = command.split()
    done = monorepo.invoke(f"api.{task}", *packages)
    assert done.stdout.startswith("services/api (api): for python ")


@pytest.mark.parametrize(
    ("within", "place"),
    [(".", "services/api"), ("services", "api"), ("services/api", ""), ("services/api/src", "..")],
)
def test_reports_are_relative_to_the_current_folder(
    monorepo: TemporaryProject, within: str, place: str
) -> None:
    """Files, and commands to paste, are those of where the user stands."""
    (monorepo.folder / "services/api/src").mkdir()
    docker = monorepo.stand_in("docker", {**ENGINE, **COMPOSE_V2})
    done = monorepo.invoke("api.upgrade-all", within=within)
    assert done.status == 0
    start = f"{place}/" if place else ""
    first, *lines = done.stdout.splitlines()
    assert first.endswith(f" · {start}Dockerfile:1")
    assert f"moved     lib 1.0 to 2.0 ({start}requirements.txt:1)" in lines
    commands = [line[10:].removeprefix("built: ") for line in lines[-3:-1]]
    plain = ["docker compose build api", "docker compose up -d api"]
    assert commands == ([f"(cd {place} && {each})" for each in plain] if place else plain)
    assert first.startswith(f"{place} (api): for " if place else "for ")

    subprocess.run(  # the command can be pasted there
        commands[0], shell=True, cwd=monorepo.folder / within, env=monorepo.environment, check=True
    )
    assert docker.built == ["compose build api"] * 2
    assert [call.folder.name for call in docker.builds] == ["api", "api"]


def test_reports_tell_the_projects_apart(monorepo: TemporaryProject) -> None:
    """JSON, Markdown and errors name the folder of each project."""
    monorepo.stand_in("docker", {**ENGINE, **COMPOSE_V2})
    done = monorepo.invoke(
        "api.upgrade-all", "--format=markdown", "web.upgrade-all", "--format=markdown"
    )
    headings = [line for line in done.stdout.splitlines() if line.startswith("###")]
    assert [heading.partition(" for ")[0] for heading in headings] == [
        "### upgrade-all in services/api (api)",
        "### upgrade-all in services/web/requirements/base.txt",
    ]
    monorepo.write("services/web/requirements/base.txt", "lib==1.0\n")
    report = monorepo.invoke("web.upgrade-all", "--format=json").report
    assert report["changes"][0]["file"] == "services/web/requirements/base.txt"

    monorepo.write("services/api/requirements.txt", "-r none.txt\n")
    assert monorepo.invoke("api.add", "new").stderr.startswith(
        "error: services/api/requirements.txt:1: "
    )
    assert monorepo.invoke("web.add", "nonsuch").stderr.startswith("error: services/web: ")


def test_folder_elsewhere(monorepo: TemporaryProject) -> None:
    """From outside of the project, files are named relative to the project's folder."""
    outside = monorepo.folder.parent / "elsewhere"
    outside.mkdir()
    done = monorepo.invoke("-r", "../shop", "web.upgrade-all", within="../elsewhere")
    assert done.status == 0
    assert "(requirements/base.txt:1)" in done.stdout


def test_mount_of_a_folder_that_is_not_there(project: TemporaryProject) -> None:
    """A task of a mount whose folder is missing: status 1, and the error names the folder."""
    project.write("tasks.py", "from pipflow_tasks import *\nnamespace = namespace_for('nope')\n")
    done = project.invoke("add", "lib")
    assert (done.status, done.stdout) == (1, "")
    assert "there is no folder" in done.stderr
    assert "nope" in done.stderr


@pytest.mark.parametrize("text", ["namespace_for('api', servce='x')", "namespace_for(rebuild='x')"])
def test_wrong_setting_of_a_mount(project: TemporaryProject, text: str) -> None:
    """`namespace_for` raises at once for an unknown setting or an invalid value."""
    project.write("tasks.py", f"from pipflow_tasks import *\nnamespace = {text}\n")
    done = project.invoke("--list")
    assert done.status != 0
    assert "setting" in done.stderr


@pytest.mark.parametrize(
    "form", ["{folder}/requirements.txt", "../{name}/requirements.txt", "./x/../requirements.txt"]
)
def test_other_spellings_of_the_file(project: TemporaryProject, form: str) -> None:
    """The project's file is recognised in every spelling of its path."""
    project.write(
        "Dockerfile",
        "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
    )
    name = form.format(folder=project.folder, name=project.folder.name)
    done = project.invoke("deps.upgrade-all", "--no-rebuild", "--file", name)
    assert (done.status, project.requirements) == (0, "lib==2.0\n"), done.output
    assert "lib 1.0 to 2.0 (requirements.txt:1)" in done.stdout


def test_variable_for_a_list(project: TemporaryProject) -> None:
    """With `pipflow`, a variable overrides a setting that the file has as a list or a table."""
    stages = dockerfile("3.9").replace("slim", "slim AS one") + "FROM one AS two\n"
    project.write("Dockerfile", stages)
    project.write(
        "invoke.yaml",
        "pipflow:\n  stage: [one, two]\n  verify: {Dockerfile#one: pip check}\n",
    )
    docker = project.stand_in("docker", {**ENGINE, "run": 0})
    environment = {"INVOKE_PIPFLOW_STAGE": "two", "INVOKE_PIPFLOW_VERIFY": "python -V"}
    done = project.pipflow("upgrade-all", environment=environment)
    assert (done.status, docker.built) == (
        0,
        ["build --tag shop --target two --file Dockerfile ."],
    ), done.stderr
    tried = [call.arguments[-2:] for call in docker.calls if "run" in call.arguments]
    assert tried == [("shop", "-V")]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "pipflow:\n", "run: {echo: false}\n"])
def test_configuration_without_settings(project: TemporaryProject, text: str) -> None:
    """An empty file, and a table without rows, set nothing."""
    project.write("invoke.yaml", text)
    project.requirements = ""
    for done in (project.invoke("deps.check", "--offline"), project.pipflow("check", "--offline")):
        assert (done.status, "Traceback" in done.stderr) == (0, False), done.output


TWICE = [
    ("verify", "web=pip check,web=python -V", "`web`: `pip check` and `python -V`"),
    ("platform", "web=linux/arm64, web=linux/386", "`web`: `linux/arm64` and `linux/386`"),
    ("python", "web=3.11,web=3.11", "`web`: `3.11` and `3.11`"),
    ("codes", "archived=error,yanked=error,archived=ignore", "`archived`: `error` and `ignore`"),
    ("index_for", "My_Lib=http://a/,my-lib=http://b/", "`my-lib`: `http://a/` and `http://b/`"),
]


@pytest.mark.parametrize(("name", "value", "told"), TWICE)
def test_two_values_for_one_key(
    project: TemporaryProject, name: str, value: str, told: str
) -> None:
    """Two values for one key are an error that names the setting, the key and both."""
    done = project.pipflow("check", environment={f"INVOKE_PIPFLOW_{name.upper()}": value})
    assert (done.status, done.stdout) == (1, "")
    assert f"the setting {name} has two values for {told}" in done.stderr
    assert "hint: leave out one of them" in done.stderr


def test_two_values_for_one_key_of_an_option(project: TemporaryProject) -> None:
    """`--verify` is refused like the setting, before anything is built."""
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.rebuild", "--verify", "web=pip check,web=python -V")
    assert (done.status, docker.built) == (1, [])
    assert "verify has two values for `web`: `pip check` and `python -V`" in done.stderr
