"""The Dockerfile's install step counts: its indexes, its flags, its variables, its pip, its uv."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from functional.prepared_pip import prepare_pip
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

HOST = f"3.{sys.version_info.minor}"
SECRET = "s3cret"


def step(command: str, *, before: str = "", python: str = HOST) -> str:
    """Return a Dockerfile with an install step, on its line 3 or below."""
    return f"FROM python:{python}-slim-bookworm\nCOPY . .\n{before}RUN {command}\n"


def pip(flags: str = "", *, before: str = "", python: str = HOST) -> str:
    """Return a Dockerfile where pip installs requirements.txt."""
    command = " ".join(["pip install", *flags.split(), "-r requirements.txt"])
    return step(command, before=before, python=python)


@pytest.fixture
def indexes(index: LoopbackIndex) -> Iterator[dict[str, str]]:
    """Serve three indexes with different versions of one project; ``a`` is pip's on this host."""
    with LoopbackIndex() as second, LoopbackIndex() as third:
        index.add("lib", "1.0")
        index.add("lib", "1.1rc1")
        second.add("lib", "2.0")
        second.add("both", "2.0")
        third.add("lib", "3.0")
        third.add("lib", "3.1rc1")
        third.add("both", "3.0")
        yield {"a": index.url, "b": second.url, "c": third.url}


ORACLE: list[tuple[str, str, dict[str, str]]] = [
    ("", "", {}),
    ("", "", {"INDEX_URL": "{b}"}),
    ("", "--index-url {b}", {"INDEX_URL": "{c}"}),
    ("", "--index-url {a}", {"EXTRA_INDEX_URL": "{b}"}),
    ("", "--extra-index-url {b}", {"INDEX_URL": "{a}", "EXTRA_INDEX_URL": "{c}"}),
    ("", "-i{b} --extra-index-url={a}", {}),
    ("--index-url {a}\n", "--index-url {b} --extra-index-url {c}", {}),
    ("--extra-index-url {b}\n", "--index-url {a}", {}),
    ("--extra-index-url {c}\n--index-url {b}\n", "", {}),
    ("--pre\n", "--index-url {c}", {}),
    ("", "--pre --index-url {c}", {}),
    ("", "--index-url {c}", {"PRE": "yes"}),
    ("", "--index-url {c}", {"PRE": "0"}),
]


@pytest.mark.parametrize(("head", "flags", "variables"), ORACLE)
def test_pip_would_take_the_same(
    project: TemporaryProject,
    indexes: dict[str, str],
    head: str,
    flags: str,
    variables: dict[str, str],
) -> None:
    """The version that is pinned is the one that pip takes with this file, flags and variables."""
    head, flags = head.format(**indexes), flags.format(**indexes)
    values = {f"PIP_{name}": value.format(**indexes) for name, value in variables.items()}
    project.write("Dockerfile", pip(flags, before="".join(map(_env, values.items()))))
    project.requirements = head
    asked = project.write("asked.txt", f"{head}lib\n")
    told = prepare_pip(sys.executable).run(
        [
            *("--disable-pip-version-check", "install", "--quiet", "--dry-run"),
            *("--ignore-installed", "--report", "-", *shlex.split(flags), "-r", str(asked)),
        ],
        project.folder,
        {**project.environment, **values},
    )
    assert told.returncode == 0, told.stderr
    installed = json.loads(told.stdout)["install"][0]["metadata"]
    done = project.invoke("deps.add", "lib")
    assert done.status == 0, done.output
    assert project.requirements == f"{head}lib=={installed['version']}\n"


UV_ORACLE: list[tuple[str, str, str, dict[str, str]]] = [
    ("lib", "", "", {"DEFAULT_INDEX": "{b}"}),
    ("lib", "", "", {"INDEX_URL": "{b}"}),
    ("lib", "", "--default-index {b}", {"DEFAULT_INDEX": "{c}"}),
    ("lib", "", "--default-index {c}", {"INDEX": "{a}"}),
    ("lib", "", "--default-index {c} --index {a}", {"INDEX": "{b}"}),
    ("both", "", "--default-index {c} --index {a}", {"INDEX": "{b}"}),
    ("both", "", "--default-index {c} --index {a}", {"EXTRA_INDEX_URL": "{b}"}),
    ("lib", "", "--default-index {c} --extra-index-url {a}", {"INDEX": "named={b}"}),
    ("lib", "--index-url {a}\n", "--default-index {b}", {}),
    ("lib", "--index-url {a}\n", "", {}),
    ("lib", "--extra-index-url {a}\n", "--default-index {c} --index {b}", {}),
    ("both", "--extra-index-url {a}\n", "--default-index {c}", {}),
    ("lib", "", "--default-index {a} --index {c}", {"INDEX_STRATEGY": "unsafe-best-match"}),
    ("lib", "", "--default-index {c} --prerelease allow", {}),
    ("lib", "", "--default-index {c}", {"PRERELEASE": "allow"}),
    ("lib>=3.0rc1", "", "--default-index {c}", {}),
    ("lib>3.0", "", "--default-index {c}", {}),
]


def ask_uv(project: TemporaryProject, asked: str, *words: str, **variables: str) -> str:
    """Return the lines that uv compiles for a file; the Python that it asks is this one."""
    file = project.write("asked.txt", asked)
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    return subprocess.run(
        [
            *(str(uv), "pip", "compile", "--quiet", "--no-cache", "--no-header", "--no-annotate"),
            *("--no-config", "--no-python-downloads", "--python", sys.executable),
            *(*words, file.name),
        ],
        cwd=project.folder,
        env={**project.environment, **variables},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize(("asked", "head", "flags", "variables"), UV_ORACLE)
def test_uv_would_take_the_same(
    project: TemporaryProject,
    indexes: dict[str, str],
    asked: str,
    head: str,
    flags: str,
    variables: dict[str, str],
) -> None:
    """Where uv installs, the version that is pinned is the one that uv takes."""
    head, flags = head.format(**indexes), flags.format(**indexes)
    values = {f"UV_{name}": value.format(**indexes) for name, value in variables.items()}
    project.write(
        "Dockerfile",
        step(
            f"uv pip install --system {flags} -r requirements.txt",
            before="".join(map(_env, values.items())),
        ),
    )
    project.requirements = head
    told = ask_uv(project, f"{head}{asked}\n", "--python-version", HOST, *flags.split(), **values)
    pins = [line for line in told.splitlines() if line and not line.startswith("-")]
    done = project.invoke("deps.add", asked, "--no-policy")
    assert done.status == 0, done.output
    assert done.stdout.splitlines()[0].endswith(", uv · Dockerfile:1")
    assert project.requirements == "".join([head, *(f"{pin}\n" for pin in pins)])


@pytest.mark.parametrize(
    "said", ["2024-05-01", "2024-05-02T12:00:00Z", "2024-05-01T11:00:00+02:00"]
)
@pytest.mark.parametrize("as_flag", [True, False])
def test_uv_excludes_what_is_newer(
    project: TemporaryProject, index: LoopbackIndex, said: str, as_flag: bool
) -> None:
    """What `--exclude-newer` hides from uv is passed over, also a version without a time."""
    index.face = "json"
    index.add("lib", "1.0", upload_time="2024-04-30T10:00:00Z")
    index.add("lib", "2.0", upload_time="2024-05-01T10:00:00Z")
    index.add("lib", "3.0", upload_time="2024-05-02T10:00:00Z")
    index.add("lib", "4.0", upload_time=None)
    flag, before = (
        (f"--exclude-newer={said}", "") if as_flag else ("", f"ENV UV_EXCLUDE_NEWER={said}\n")
    )
    command = f"uv pip install --system {flag} -r requirements.txt"
    project.write("Dockerfile", step(command, before=before))
    told = ask_uv(project, "lib\n", "--exclude-newer", said, "--index-url", index.url)
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, told), done.output
    assert f"4.0 has no upload time on the index, Dockerfile:{4 - as_flag} excludes" in done.stdout


def test_pip_excludes_what_is_newer(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The same option of pip's counts as well, and an exact request is no way around it."""
    index.add("lib", "1.0", upload_time="2024-04-30T10:00:00Z")
    index.add("lib", "2.0", upload_time="2024-05-01T10:00:00Z")
    project.write("Dockerfile", pip("--uploaded-prior-to 2024-05-01"))
    assert _added(project, "lib") == "1.0"
    done = project.invoke("deps.upgrade", "lib==2.0")
    assert done.status == 1
    assert "Dockerfile:3 excludes what is newer than 2024-05-01" in done.stderr
    project.write("Dockerfile", pip("--uploaded-prior-to yesterday"))
    done = project.invoke("deps.upgrade", "lib")
    assert (done.status, project.requirements) == (0, "lib==2.0\n")
    assert "newer than yesterday, which is not a valid time" in done.stderr


def _env(variable: tuple[str, str]) -> str:
    return f"ENV {variable[0]}={variable[1]}\n"


def test_step_is_stronger_than_settings_and_those_than_pip(
    project: TemporaryProject, indexes: dict[str, str]
) -> None:
    """The Dockerfile's index replaces the setting's, which replaces pip's and its extra ones."""
    environment = {"PIP_EXTRA_INDEX_URL": indexes["c"]}
    assert _added(project, "lib", environment) == "3.0"
    project.write("invoke.yaml", f"pipflow:\n  index_url: {indexes['b']}\n")
    assert _added(project, "lib", environment) == "2.0"
    project.write("Dockerfile", pip(f"--index-url {indexes['a']}"))
    assert _added(project, "lib", environment) == "1.0"


def _added(project: TemporaryProject, asked: str, environment: dict[str, str] | None = None) -> str:
    """Add to an empty file, and return the version."""
    project.requirements = ""
    done = project.invoke("deps.add", asked, environment=environment or {})
    assert done.status == 0, done.output
    return project.requirements.strip().partition("==")[2]


def test_variable_of_the_step_comes_from_the_environment(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`${NAME}` that the Dockerfile does not tell is this host's variable; it is never printed."""
    index.add("lib", "1.0")
    with LoopbackIndex() as private:
        private.add("lib", "2.0")
        private.credentials = ("ci", SECRET)
        address = private.url.replace("://", "://ci:$INDEX_TOKEN@")
        mount = "--mount=type=secret,id=INDEX_TOKEN,env=INDEX_TOKEN"
        project.write(
            "Dockerfile",
            step(f'{mount} pip install --index-url "{address}" -r requirements.txt'),
        )
        done = project.invoke("deps.add", "lib", environment={"INDEX_TOKEN": SECRET})
        assert (done.status, project.requirements) == (0, "lib==2.0\n")
        assert SECRET not in done.output
        wrong = project.invoke("deps.upgrade", "lib", environment={"INDEX_TOKEN": f"no{SECRET}"})
        assert wrong.status == 1
        assert SECRET not in wrong.output
    project.requirements = ""
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (1, "")
    assert "Dockerfile:3: the index address uses ${INDEX_TOKEN}, which is not set" in done.stderr


@pytest.mark.parametrize(
    ("flags", "setting"),
    [
        ("--index-url $(cat /run/secrets/index)", "index_url"),
        ("--index-url file:///srv/simple", "index_url"),
        ("--extra-index-url file:///srv/simple", "extra_index_url"),
    ],
)
def test_index_that_only_the_image_knows(
    project: TemporaryProject, index: LoopbackIndex, flags: str, setting: str
) -> None:
    """It is an error, for others may have namesakes; where a setting says what to ask, that is."""
    index.add("lib", "1.0")
    project.requirements = ""
    project.write("Dockerfile", pip(flags))
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (1, "")
    assert "Dockerfile:3: it installs from an index that is known only in the image" in done.stderr
    assert f"hint: set `{setting}`" in done.stderr
    project.write("invoke.yaml", f"pipflow:\n  {setting}: {index.url}\n")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert f"the setting {setting} counts instead" in done.stderr


CONF = "[global]\nindex-url = {b}\n"


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("COPY pip.conf /etc/pip.conf\n", CONF),
        ("COPY pip.conf /etc/\n", CONF.replace("global", "install")),
        ("COPY pip.conf /root/.config/pip/pip.conf\n", CONF),
        ("COPY pip.conf /root/.pip/\n", CONF),
        ("USER app:app\nCOPY pip.conf /home/app/.config/pip/\n", CONF),
        ("ENV HOME=/srv\nCOPY pip.conf /srv/.config/pip/\n", CONF),
        ("COPY pip.conf /usr/local/pip.conf\n", CONF),
        ("RUN python -m venv /venv\nENV PATH=/venv/bin:$PATH\nCOPY pip.conf /venv/\n", CONF),
        ("ENV VIRTUAL_ENV=/venv\nCOPY pip.conf /venv/\n", CONF),
        ("ENV PIP_CONFIG_FILE=/cfg/my.ini\nCOPY pip.conf /cfg/my.ini\n", CONF),
        ("COPY pip.conf /etc/\nENV PIP_INDEX_URL={b}\n", CONF.replace("{b}", "{c}")),
        ("COPY pip.conf /etc/\nRUN pip config set install.index-url {b}\n", ""),
        ("COPY pip.conf /etc/\nRUN pip config --site set global.index-url {b}\n",
         CONF.replace("{b}", "{c}")),
        ("RUN pip config set global.index-url {c} && pip config unset global.index-url\n"
         "COPY pip.conf /etc/\n", CONF),
        ("RUN echo '[global]' > /etc/pip.conf && echo 'index-url={b}' >> /etc/pip.conf\n", ""),
        (r"RUN mkdir ~/.pip && printf '[global]\nindex-url=%s\n' {b} > ~/.pip/pip.conf" "\n", ""),
        ("COPY pip.conf /tmp/\nRUN mkdir ~/.pip && cp /tmp/pip.conf ~/.pip/\n", CONF),
        ("COPY <<EOF /etc/pip.conf\n" + CONF + "EOF\n", ""),
        ("RUN cat <<EOF > /etc/pip.conf\n" + CONF + "EOF\n", ""),
        ("FROM scratch AS conf\nCOPY pip.conf /\nFROM python:3.11-slim\nCOPY . .\n"
         "COPY --from=conf /pip.conf /etc/\n", CONF),
    ],
)  # fmt: skip
def test_configuration_of_the_image(
    project: TemporaryProject, indexes: dict[str, str], before: str, text: str
) -> None:
    """What the build puts where pip looks for settings counts as its variables do."""
    project.write("pip.conf", text.format(**indexes))
    project.write("Dockerfile", pip(before=before.format(**indexes)))
    assert _added(project, "lib") == "2.0"


@pytest.mark.parametrize("before", ["COPY conf /etc\n", "RUN pip config set install.pre true\n"])
def test_other_options_of_the_configuration(
    project: TemporaryProject, indexes: dict[str, str], before: str
) -> None:
    """Not only indexes count, and a folder that is copied may hold the file."""
    project.write("conf/pip.conf", "[install]\npre = yes\n")
    project.write("Dockerfile", pip(before=before))
    assert _added(project, "lib") == "1.1rc1"


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        (pip(before="COPY --from=conf:1 /pip.conf /etc/pip.conf\n"), "/etc/pip.conf"),
        (pip(before="COPY gone.conf /etc/pip.conf\n"), "/etc/pip.conf"),
        (pip(before="COPY no.conf /etc/pip.conf\n"), "/etc/pip.conf"),
        (pip(before="RUN make-conf > ~/.config/pip/pip.conf\n"), "${HOME}/.config/pip/pip.conf"),
        (step("--mount=type=secret,id=a,target=/etc/pip.conf pip install -r requirements.txt"),
         "/etc/pip.conf"),
        (step("--mount=type=secret,id=a,dst=/root/.pip/pip.conf pip install -r requirements.txt"),
         "/root/.pip/pip.conf"),
        (step("--mount=type=secret,id=c PIP_CONFIG_FILE=/run/secrets/c "
              "pip install -r requirements.txt"), "/run/secrets/c"),
        (step("--mount=type=secret,id=a,env=PIP_INDEX_URL pip install -r requirements.txt"),
         "an index that is known only in the image"),
        (step("uv pip install -r requirements.txt", before="COPY uv.toml /\n"), "/uv.toml"),
        (step("uv pip install -r requirements.txt",
              before="WORKDIR /srv/app\nCOPY requirements.txt .\nCOPY uv.toml /srv/\n"),
         "/srv/uv.toml"),
    ],
)  # fmt: skip
def test_configuration_that_only_the_image_knows(
    project: TemporaryProject, index: LoopbackIndex, dockerfile: str, said: str
) -> None:
    """It may name an index: an error asks for the setting, and with that it is a warning."""
    index.add("lib", "1.0")
    project.requirements = ""
    project.write("no.conf", "index-url = elsewhere\n")
    project.write("uv.toml", 'index-url = "https://example.com/"\n')
    project.write("Dockerfile", dockerfile)
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (1, ""), done.output
    assert said in done.stderr
    assert "hint: set `index_url`" in done.stderr
    project.write("invoke.yaml", f"pipflow:\n  index_url: {index.url}\n")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert said in done.stderr
    assert "the setting index_url counts instead" in done.stderr


@pytest.mark.parametrize(
    "dockerfile",
    [
        pip(before="RUN --mount=type=secret,id=a,target=/etc/pip.conf true\n"),
        pip(before="ENV PIP_CONFIG_FILE=/dev/null\nCOPY pip.conf /etc/\n"),
        pip(before="WORKDIR /app\nCOPY . .\n"),
        step("uv pip install -r requirements.txt", before="COPY pip.conf uv.toml /etc/\n"),
        step("uv pip install -r requirements.txt", before="COPY pyproject.toml uv.toml /etc/uv/\n"),
    ],
)
def test_configuration_that_does_not_count(
    project: TemporaryProject, index: LoopbackIndex, dockerfile: str
) -> None:
    """What the installer does not read, or names no index, is nothing to ask for."""
    index.add("lib", "1.0")
    project.write("pip.conf", "[global]\nindex-url = https://example.com/\n")
    project.write("uv.toml", "[pip]\nsystem = true\n")
    project.write("pyproject.toml", "[tool.uv]\nmanaged = false\n")
    project.write("Dockerfile", dockerfile)
    assert _added(project, "lib") == "1.0"


@pytest.mark.parametrize(
    ("flags", "before", "said"),
    [
        (
            "--no-index --find-links /wheels",
            "",
            "--find-links /wheels (Dockerfile:3) is not in the build context",
        ),
        ("", "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels\n", "Dockerfile:4 says --no-index"),
        (
            "--find-links=/wheels",
            "",
            "--find-links /wheels (Dockerfile:3) is not in the build context",
        ),
    ],
)
def test_what_only_the_image_has(
    project: TemporaryProject, index: LoopbackIndex, flags: str, before: str, said: str
) -> None:
    """Wheels in the image can't be looked into: a warning says so, and the index is asked."""
    index.add("lib", "1.0")
    project.write("Dockerfile", pip(flags, before=before))
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert said in done.stderr
    assert "Dockerfile:" in done.stderr


def test_wheels_of_an_earlier_stage(project: TemporaryProject, indexes: dict[str, str]) -> None:
    """Where one stage builds wheels and the next installs them, the first one's index counts."""
    project.write(
        "Dockerfile",
        "FROM python:3.11 AS wheels\nCOPY requirements.txt .\n"
        f"RUN pip wheel --index-url {indexes['b']} -w /wheels -r requirements.txt\n"
        "FROM python:3.11\nCOPY requirements.txt .\nCOPY --from=wheels /wheels /wheels\n"
        "RUN pip install --no-index --find-links /wheels -r requirements.txt\n",
    )
    assert _added(project, "lib") == "2.0"
    assert "--find-links" not in project.invoke("deps.outdated").stderr


@pytest.fixture
def kinds(index: LoopbackIndex) -> None:
    """Serve a project with wheels up to 1.0 and sources up to 2.0, and one that needs it."""
    index.add("lib", "1.0", sdist=True)
    index.add("lib", "2.0", wheel=False, sdist=True)
    index.add("lib", "0.9", wheel=False, sdist=True)
    index.add("top", "1.0", requires_dist=["lib"])
    index.add("top", "2.0", requires_dist=["lib>=2"])


@pytest.mark.parametrize(
    ("flags", "before", "head", "place"),
    [
        ("--only-binary :all:", "", "", "Dockerfile:3"),
        ("--only-binary=other,LIB", "", "", "Dockerfile:3"),
        ("", "ENV PIP_ONLY_BINARY=:all:\n", "", "Dockerfile:4"),
        ("", "", "--only-binary lib\n", "requirements.txt:1"),
        ("--no-binary lib", "", "--only-binary lib\n", "requirements.txt:1"),
        ("--no-binary other --only-binary :all:", "", "", "Dockerfile:3"),
        ("--no-binary :all: --only-binary lib,top", "", "", "Dockerfile:3"),
    ],
)
@pytest.mark.usefixtures("kinds")
def test_only_wheels(
    project: TemporaryProject, flags: str, before: str, head: str, place: str
) -> None:
    """A version without a wheel is passed over where the step, which is told, allows no others."""
    project.write("Dockerfile", pip(flags, before=before))
    project.requirements = head
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, f"{head}lib==1.0\n")
    assert "2.0 has no wheel for" in done.stdout
    assert f"and {place} allows only wheels" in done.stdout
    done = project.invoke("deps.add", "top")
    assert (done.status, project.requirements) == (0, f"{head}lib==1.0\ntop==1.0\n")


@pytest.mark.parametrize("resolve", [(), ("--no-resolve",)])
@pytest.mark.usefixtures("kinds")
def test_exact_version_without_a_wheel(project: TemporaryProject, resolve: tuple[str, ...]) -> None:
    """Also an exact version is refused where the step could not install it."""
    project.write("Dockerfile", pip("--only-binary :all:"))
    done = project.invoke("deps.add", "lib==2.0", *resolve)
    assert (done.status, project.exists()) == (1, False)
    assert "Dockerfile:3 allows only wheels" in done.stderr


@pytest.mark.parametrize("flags", ["--no-binary :all:", "--only-binary=:all: --no-binary=lib"])
def test_only_sources(project: TemporaryProject, index: LoopbackIndex, flags: str) -> None:
    """A version without sources is passed over where the step takes no wheels."""
    index.add("lib", "1.0", sdist=True)
    index.add("lib", "2.0")
    project.write("Dockerfile", pip(flags))
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert "2.0 has no source distribution, and Dockerfile:3 allows no wheels" in done.stdout
    assert "lib 1.0 is taken as source because Dockerfile:3 allows no wheels" in done.stderr


@pytest.mark.parametrize(
    ("flags", "before", "head"),
    [
        ("--prefer-binary", "", ""),
        ("", "ENV PIP_PREFER_BINARY=on\n", ""),
        ("", "", "--prefer-binary\n"),
    ],
)
@pytest.mark.usefixtures("kinds")
def test_older_wheel_before_newer_source(
    project: TemporaryProject, flags: str, before: str, head: str
) -> None:
    """With --prefer-binary the newest wheel is taken, and a source where there is no wheel."""
    project.write("Dockerfile", pip(flags, before=before))
    project.requirements = head
    assert project.invoke("deps.add", "lib", "--dry-run").status == 0
    assert project.invoke("deps.add", "lib<1").status == 0
    assert project.requirements == f"{head}lib==0.9  # pipflow: <1\n"
    project.requirements = head
    assert project.invoke("deps.add", "top").status == 0
    assert project.requirements == f"{head}top==2.0\n"
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == f"{head}lib==2.0\ntop==2.0\n"
    project.requirements = head
    done = project.invoke("deps.add", "lib")
    assert project.requirements == f"{head}lib==1.0\n"
    assert "prefers wheels" in done.stdout


@pytest.mark.parametrize("before", ["", "ENV PIP_REQUIRE_HASHES=1\n"])
def test_hashes_that_the_step_requires(
    project: TemporaryProject, index: LoopbackIndex, before: str
) -> None:
    """With --require-hashes a pin is added with its hashes, also to a file that has none."""
    index.add("lib", "1.0")
    project.write("Dockerfile", pip("" if before else "--require-hashes", before=before))
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements.startswith("lib==1.0 \\\n    --hash=sha256:")


@pytest.mark.parametrize(
    ("command", "resolves"),
    [
        ("pip install --no-deps -r requirements.txt", False),
        ("PIP_NO_DEPS=1 pip install -r requirements.txt", False),
        ("uv pip sync --system requirements.txt", False),
        ("pip wheel --no-deps -r requirements.txt && pip install *.whl", True),
        ("pip wheel -r requirements.txt && pip install --no-deps -r requirements.txt", True),
    ],
)
def test_step_without_dependencies(
    project: TemporaryProject, index: LoopbackIndex, command: str, resolves: bool
) -> None:
    """Where nothing but the file is installed, pins need not go together, and a note says so."""
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_dist=["other>=2"])
    index.add("other", "1.0")
    index.add("other", "2.0")
    project.requirements = "other==1.0\n"
    project.write("Dockerfile", step(command))
    done = project.invoke("deps.add", "lib")
    version = "1.0" if resolves else "2.0"
    assert (done.status, project.requirements) == (0, f"lib=={version}\nother==1.0\n")
    assert ("Dockerfile:3 installs without dependencies" in done.stderr) is not resolves


@pytest.mark.parametrize(
    ("flags", "before"),
    [
        ("-c constraints.txt", ""),
        ("--constraint=constraints.txt", ""),
        ("", "ENV PIP_CONSTRAINT=constraints.txt\n"),
    ],
)
def test_constraints_of_the_step(
    project: TemporaryProject, index: LoopbackIndex, flags: str, before: str
) -> None:
    """What the step constrains with is obeyed, named with its line, and never edited."""
    for version in ("1.0", "2.0"):
        index.add("lib", version)
    index.add("top", "1.0", requires_dist=["lib"])
    index.add("top", "2.0", requires_dist=["lib>=2"])
    project.write("Dockerfile", pip(flags, before=before))
    constraints = project.write("constraints.txt", "-c more.txt\n")
    project.write("more.txt", "lib<2  # why\n")
    before_command = constraints.read_bytes()
    done = project.invoke("deps.add", "lib top")
    assert (done.status, project.requirements) == (0, "lib==1.0\ntop==1.0\n")
    assert "2.0 does not satisfy <2 (more.txt:1)" in done.stdout
    assert constraints.read_bytes() == before_command


def test_constraints_in_another_context(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Constraints are found where the build context has them."""
    for version in ("1.0", "2.0"):
        index.add("lib", version)
    project.write(
        "compose.yaml", "services:\n  app:\n    build: {context: .., dockerfile: shop/Dockerfile}\n"
    )
    project.write(
        "Dockerfile",
        "FROM python:3.11\nCOPY shop/requirements.txt common/limits.txt /srv/\n"
        "RUN pip install -r /srv/requirements.txt -c /srv/limits.txt\n",
    )
    limits = project.folder.parent / "common" / "limits.txt"
    limits.parent.mkdir()
    limits.write_text("lib==1.0\n")
    assert _added(project, "lib") == "1.0"
    limits.unlink()
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert "there is no file ../common/limits.txt" in done.stderr
    assert "shop" not in done.stderr.partition("hint")[0].replace("Dockerfile:3", "")


def test_constraints_that_can_not_be_read(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Constraints made by the build, or that only it can fetch, are named in a warning."""
    index.add("lib", "1.0")
    project.write(
        "Dockerfile",
        "FROM python:3.11\nCOPY requirements.txt .\n"
        "RUN pip install -r requirements.txt -c https://me:hush@$H/c.txt -c /made.txt\n",
    )
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert "Dockerfile:3 installs with the constraints /made.txt" in done.stderr
    assert "Dockerfile:3 installs with the constraints https://****@" in done.stderr
    assert "hush" not in done.output


@pytest.mark.parametrize(
    ("upgrade", "pip_version", "version"),
    [
        ("", "19.3", "1.0"),
        ("RUN pip install --upgrade pip\n", None, "2.0"),
        ("RUN pip install 'pip<20.3'\n", "20.2", "1.0"),
        ("RUN pip install pip==21.3.1\n", "21.3", "2.0"),
        ("RUN pip install 'pip>=21,<23'\n", "22.3", "2.0"),
        ("ARG PIP=19.1\nRUN pip install pip==$PIP\n", "19.1", "1.0"),
        ("RUN pip install pip==$UNTOLD\n", "19.3", "1.0"),
    ],
)
def test_pip_that_the_dockerfile_installs(
    project: TemporaryProject,
    index: LoopbackIndex,
    upgrade: str,
    pip_version: str | None,
    version: str,
) -> None:
    """The pip that is there at the install step limits the wheels, not the one of the image."""
    index.add("lib", "1.0", tags=["cp38-cp38-manylinux1_x86_64"])
    index.add("lib", "2.0", tags=["cp38-cp38-manylinux_2_17_x86_64"])
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    text = pip(before=upgrade).replace(f"python:{HOST}-slim-bookworm", "python:3.8.0-buster")
    project.write("Dockerfile", text)
    report = project.invoke("deps.add", "lib", "--format", "json").report
    assert (report["environments"][0]["pip"] or "None").startswith(str(pip_version))
    assert project.requirements == f"lib=={version}\n"


@pytest.mark.parametrize("asked", ["lib", "top"])
def test_wheels_that_a_newer_pip_would_take(
    project: TemporaryProject, index: LoopbackIndex, asked: str
) -> None:
    """What is built because of the image's pip is named, also among dependencies, with the mend."""
    index.add("lib", "1.0", tags=["cp38-cp38-musllinux_1_2_x86_64"], sdist=True)
    index.add("pure", "1.0", wheel=False, sdist=True)
    index.add("top", "1.0", requires_dist=["lib", "pure"])
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    text = pip().replace(f"python:{HOST}-slim-bookworm", "python:3.8.0-alpine3.10")
    project.write("Dockerfile", text)
    assert "too old" not in project.invoke("deps.add", asked).stderr  # musl 1.1 has no such wheel
    project.requirements = ""
    text = text.replace("3.8.0-alpine3.10", "3.8.8-alpine3.13")
    project.write("Dockerfile", text)
    done = project.invoke("deps.add", asked)
    assert done.status == 0
    assert (
        "pip 21.0 of the image is too old for the wheel of lib 1.0 (musllinux_1_2_x86_64), so it "
        "is built from source; upgrade pip before the install step"
    ) in done.stderr


def test_uv_is_not_limited_by_pip(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where uv installs, the image's pip limits nothing, and the first line names uv."""
    index.add("lib", "2.0", tags=["cp38-cp38-manylinux_2_17_x86_64"])
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    project.write(
        "Dockerfile",
        "FROM python:3.8.0-buster\nCOPY requirements.txt .\nENV PIP_INDEX_URL=http://127.0.0.1:1/\n"
        "RUN pip install uv && uv pip install --system -r requirements.txt\n",
    )
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==2.0\n")
    assert done.stdout.startswith("for       python 3.8.0, glibc 2.28 x86_64, uv · Dockerfile:1\n")


STAGES = """\
FROM python:3.9-slim AS dev
COPY requirements.txt dev.txt ./
RUN pip install -r dev.txt{both}

FROM python:3.11-slim AS prod
COPY requirements.txt .
RUN pip install -r requirements.txt
"""


def test_file_of_another_stage(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A file that another stage installs is pinned for that stage's image."""
    index.add("lib", "9.0", requires_python="<3.10")
    index.add("lib", "11.0", requires_python=">=3.10")
    project.write("Dockerfile", STAGES.format(both=""))
    project.write("dev.txt", "")
    assert project.invoke("deps.add", "lib").status == 0
    done = project.invoke("deps.add", "lib", "--file", "dev.txt", "--format", "json")
    assert done.report["environments"][0]["origin"] == "Dockerfile:1"
    assert (project.read("dev.txt"), project.requirements) == ("lib==9.0\n", "lib==11.0\n")


def test_file_of_two_images(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Two images that can't have one version are named, with the way out; `target` decides."""
    index.add("lib", "9.0", requires_python="<3.10")
    index.add("lib", "11.0", requires_python=">=3.10")
    project.write("Dockerfile", STAGES.format(both=" -r requirements.txt"))
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.exists()) == (1, False)
    assert "python 3.9, glibc 2.41 " in done.stderr
    assert "(Dockerfile:1)" in done.stderr
    assert "(Dockerfile:5)" in done.stderr
    assert "`add \"lib; python_version < '3.11'\"` adds it for Dockerfile#dev alone" in done.stderr
    project.write("compose.yaml", "services:\n  app:\n    build: {context: ., target: prod}\n")
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == "lib==11.0\n"


def test_stage_that_the_target_copies_from(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A stage that the built one copies from counts as well: it is built, too."""
    index.add("lib", "9.0", requires_python="<3.10")
    index.add("lib", "11.0", requires_python=">=3.10")
    text = STAGES.format(both=" -r requirements.txt")
    project.write("Dockerfile", f"{text}COPY --from=dev /srv /srv\n")
    project.write("compose.yaml", "services:\n  app:\n    build: {context: ., target: prod}\n")
    done = project.invoke("deps.add", "lib")
    assert done.status == 1
    assert "(Dockerfile:1)" in done.stderr


def test_name_of_the_file_from_a_build_argument(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`requirements/${ENV}.txt` is the file that the build argument says; else a warning."""
    index.add("lib", "1.0")
    project.write("requirements/prod.txt", "")
    project.write(
        "Dockerfile",
        "FROM node:20\nFROM python:3.11\nARG ENV\nCOPY requirements/ requirements/\n"
        "RUN pip install --pre -r requirements/${ENV}.txt\nFROM python:3.12\n",
    )
    words = ("deps.add", "lib", "--file", "requirements/prod.txt", "--format", "json", "--dry-run")
    report = project.invoke(*words).report
    assert report["environments"][0]["origin"] == "Dockerfile:2"
    told = " ".join(report["warnings"])
    assert "does not install requirements/prod.txt" in told
    assert "line 5 installs requirements/.txt, which is not there" in told
    project.write("compose.yaml", "services:\n  app:\n    build: {context: ., args: {ENV: prod}}\n")
    assert project.invoke(*words).report["environments"][0]["origin"] == "Dockerfile:2"


@pytest.mark.parametrize(
    ("dockerfile", "compose", "settings"),
    [
        (pip(), "", "  platform: linux/amd64, linux/arm64\n"),
        (pip(), "    platforms: [linux/amd64, linux/arm64]\n", ""),
    ],
)
def test_rejection_names_the_platform(
    project: TemporaryProject, index: LoopbackIndex, dockerfile: str, compose: str, settings: str
) -> None:
    """For several platforms a version has to suit all; the one that it does not suit is named."""
    index.add("lib", "1.0", tags=[f"py3-none-manylinux_2_17_{m}" for m in ("x86_64", "aarch64")])
    index.add("lib", "2.0", tags=["py3-none-manylinux_2_17_x86_64"])
    project.write("Dockerfile", dockerfile)
    if compose:
        body = f"services:\n  app:\n    build:\n      context: .\n  {compose}"
        project.write("compose.yaml", body)
    if settings:
        project.write("invoke.yaml", f"pipflow:\n{settings}")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert "x86_64 and aarch64" in done.stdout.splitlines()[0]
    assert "2.0 has no wheel for" in done.stdout
    assert "(linux/arm64)" in done.stdout


def test_platform_of_from(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`FROM --platform` is the platform that versions are chosen for."""
    index.add("lib", "1.0", tags=["py3-none-manylinux_2_17_aarch64"])
    index.add("lib", "2.0", tags=["py3-none-manylinux_2_17_x86_64"])
    project.write("Dockerfile", pip().replace("FROM", "FROM --platform=linux/arm64"))
    assert _added(project, "lib") == "1.0"


def test_build_gets_what_was_chosen(project: TemporaryProject, indexes: dict[str, str]) -> None:
    """The file is written before the build, which installs by the same step."""
    docker = project.stand_in("docker", ENGINE)
    project.write("Dockerfile", pip(f"--index-url {indexes['b']}"))
    assert project.invoke("deps.add", "lib").status == 0
    assert [call.requirements for call in docker.builds] == ["lib==2.0\n"]


def test_settings_of_this_host_are_not_the_images(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`--pre`, constraints and formats in this host's own pip settings do not count."""
    index.add("lib", "1.0")
    index.add("lib", "2.0rc1")
    host = {
        "PIP_PRE": "1",
        "PIP_CONSTRAINT": os.devnull,
        "PIP_NO_BINARY": ":all:",
        "PIP_REQUIRE_HASHES": "1",
    }
    assert _added(project, "lib", host) == "1.0"


def test_index_of_the_file_makes_that_of_the_step_irrelevant(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A file that names its index needs no word of one that only the image knows."""
    index.add("lib", "1.0")
    install = "RUN pip install --index-url $(cat /run/secrets/url) -r requirements.txt\n"
    project.write("Dockerfile", f"FROM python:3.9-slim\nCOPY requirements.txt ./\n{install}")
    project.requirements = f"--index-url {index.url}\n"
    done = project.invoke("deps.add", "lib", environment={"PIP_INDEX_URL": "http://127.0.0.1:1/"})
    assert done.status == 0, done.stderr
    assert project.requirements == f"--index-url {index.url}\nlib==1.0\n"
