"""What images say of themselves: the script on real Pythons, and its output, whole and broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag
from packaging.version import Version
from pythons import find_python

from pipflow_tasks.engine import inside
from pipflow_tasks.errors import TargetError
from pipflow_tasks.target import BaseImage, Target
from pipflow_tasks.target.interpreter import Interpreter

SCRIPT = Path(inside.__file__).read_text("utf-8")
MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.9.2",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6.1.0-9-amd64",
    "platform_system": "Linux",
    "platform_version": "#1 SMP",
    "python_full_version": "3.9.2",
    "python_version": "3.9",
    "sys_platform": "linux",
}
TOLD: dict[str, Any] = {
    "python": "3.9.2",
    "implementation": "CPython",
    "markers": MARKERS,
    "abis": ["cp39"],
    "libc": "glibc 2.31",
    "machine": "x86_64",
    "pip": "20.0.2",
    "tags": ["cp39-cp39-manylinux2014_x86_64", "py3-none-any"],
}


def read(text: str, platform: str = "linux/amd64") -> Interpreter:
    """Read what an image printed."""
    return Interpreter.from_json(text, image="acme-base:1", platform=platform)


def interpreter(**changes: Any) -> Interpreter:
    """Make the interpreter of Debian bullseye, changed in some fields."""
    return read(json.dumps({**TOLD, **changes}))


def target(found: Interpreter, **changes: Any) -> Target:
    """Make a target for linux/amd64, if nothing else is said."""
    given: dict[str, Any] = {"platforms": ("linux/amd64",), "source": "Dockerfile:1", **changes}
    return Target.from_interpreter(found, BaseImage(reference=found.image, **given))


def from_python(**changes: Any) -> Target:
    """Compute from text the target of the same facts."""
    given: dict[str, Any] = {
        "platforms": ["linux/amd64"],
        "source": "Dockerfile:1",
        "libc": "glibc 2.31",
        **changes,
    }
    return Target.from_python("3.9.2", **given)


def run(python: str, *options: str, environment: dict[str, str] | None = None) -> Interpreter:
    """Run the script as an image's Python would, and read what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        [python, *options, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={**kept, "PIP_CONFIG_FILE": os.devnull, **(environment or {})},
    )
    return read(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="images are Linux")
@pytest.mark.parametrize("series", ["here", *(f"3.{minor}" for minor in range(6, 16))])
def test_script_runs_on_every_python(series: str) -> None:
    """From 3.6 on it tells the version, all markers, the C library, pip and the tags of pip."""
    found = run(find_python(series))
    assert found.python is not None
    assert series == "here" or found.python.startswith(f"{series}.")
    assert found.libc.startswith(("glibc 2.", "musl 1."))
    assert found.markers["python_full_version"] == found.python
    assert (found.implementation, found.machine) == ("CPython", os.uname().machine)
    assert found.pip is not None
    assert {Tag("py3", "none", "any"), Tag(f"cp{''.join(found.python.split('.')[:2])}",
            found.abis[0], f"linux_{found.machine}")} <= set(found.tags)  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="images are Linux")
@pytest.mark.parametrize("series", ["here", *(f"3.{minor}" for minor in range(7, 16))])
def test_told_tags_are_those_computed_from_text(series: str) -> None:
    """For the same Python, C library and pip, what pip tells and what is computed are one."""
    found = run(find_python(series))
    assert found.python is not None
    computed = Target.from_python(
        found.python,
        platforms=[found.machine],
        source="Dockerfile:1",
        libc=found.libc,
        pip=found.pip,
    )
    platforms = [platform.name for platform in computed.platforms]
    asked = Target.from_interpreter(
        Interpreter.from_json(
            json.dumps(
                {
                    **TOLD,
                    "python": found.python,
                    "markers": dict(found.markers),
                    "abis": found.abis,
                    "libc": found.libc,
                    "machine": found.machine,
                    "pip": str(found.pip),
                    "tags": [],
                }
            ),
            image="acme-base:1",
            platform=platforms[0],
        ),
        BaseImage(reference="acme-base:1", platforms=tuple(platforms), source="Dockerfile:1"),
    )
    assert list(found.tags) == [*computed.platforms[0].tags] == [*asked.platforms[0].tags]
    assert asked.platforms[0].markers == computed.platforms[0].markers
    assert (asked.python_version, str(asked)) == (computed.python_version, str(computed))


def test_script_runs_without_pip() -> None:
    """A Python that has no pip is told without pip and tags."""
    found = run(sys.executable, "-S", "-I")
    assert (found.pip, found.tags, found.configuration) == (None, (), ())
    assert found.python == sys.version.split()[0]


def test_script_tells_what_pip_is_told(tmp_path: Path) -> None:
    """Configuration files, variables, and the text of the constraints that both of them name."""
    (tmp_path / "one.txt").write_text("flask<3\n")
    (tmp_path / "two.txt").write_text("jinja2<4\n")
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://host.example/simple\ntimeout = 7\n"
        f"[install]\nconstraint = {tmp_path}/one.txt\n  {tmp_path}/none.txt\n"
    )
    found = run(
        sys.executable,
        environment={
            "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
            "PIP_INDEX_URL": "https://other.example/it's",
            "UV_CONSTRAINT": f"{tmp_path}/two.txt",
            "UV_INDEX": "https://uv.example/simple",
        },
    )
    told = dict(found.pip_configuration)
    assert (told["index-url"], told["timeout"]) == ("https://other.example/it's", "7")
    assert told["constraint"].split() == [f"{tmp_path}/one.txt", f"{tmp_path}/none.txt"]
    assert dict(found.environment)["UV_INDEX"] == "https://uv.example/simple"
    assert dict(found.constraints) == {
        f"{tmp_path}/one.txt": "flask<3\n",
        f"{tmp_path}/two.txt": "jinja2<4\n",
    }


def test_script_asks_the_loader_of_musl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library has no name of its own, its loader tells musl and the version."""
    loader = tmp_path / "ld-musl-x86_64.so.1"
    loader.write_text("#!/bin/sh\nprintf 'musl libc (x86_64)\\nVersion 1.2.4\\n' >&2\nexit 1\n")
    loader.chmod(0o755)
    monkeypatch.setattr(os, "confstr", lambda _: None)
    assert inside.find_libc(f"{tmp_path}/ld-musl-*.so.1") == "musl 1.2.4"
    assert inside.find_libc(f"{tmp_path}/none-*") == ""
    monkeypatch.delattr(os, "confstr")
    assert inside.find_libc(f"{tmp_path}/ld-musl-*.so.1") == "musl 1.2.4"


def test_last_line_counts() -> None:
    """What an image prints before its answer is passed over."""
    assert read(f"welcome!\n\n{json.dumps(TOLD)}\n") == interpreter()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "can't be read"),
        ("Python 3.8", "can't be read"),
        ("[]", "can't be read"),
        ("{}", "`python`"),
        (json.dumps({**TOLD, "python": 3.9}), "$.python"),
        (json.dumps({**TOLD, "tags": "py3-none-any"}), "$.tags"),
        (json.dumps({**TOLD, "tags": ["py3-none"]}), "`py3-none` is no tag"),
        (json.dumps({**TOLD, "tags": ["py3--any"]}), "`py3--any` is no tag"),
        (json.dumps({**TOLD, "pip": "new"}), "'new'"),
        (json.dumps({**TOLD, "pip": 23}), "$.pip"),
        (json.dumps({**TOLD, "tags": [3]}), "$.tags[0]"),
        (json.dumps({**TOLD, "markers": {"os_name": "posix"}}), "lacks implementation_name, "),
        (json.dumps(TOLD)[:-9], "can't be read"),
        ("[" * 100_000, "can't be read"),
    ],
)
def test_broken_answers_are_refused(text: str, told: str) -> None:
    """Output that is not what was asked for is an error that names the image."""
    with pytest.raises(TargetError) as caught:
        read(text)
    assert str(caught.value).startswith("the answer of the image acme-base:1 ")
    assert told in str(caught.value)


@given(
    st.one_of(
        st.text(),
        st.dictionaries(
            st.sampled_from([*TOLD, "environment", "configuration", "constraints"]),
            st.recursive(
                st.one_of(st.none(), st.text(max_size=5), st.integers()),
                lambda inner: st.one_of(
                    st.lists(inner, max_size=2),
                    st.dictionaries(st.text(max_size=3), inner, max_size=2),
                ),
                max_leaves=5,
            ),
        ).map(lambda changes: json.dumps({**TOLD, **changes})),
    )
)
def test_raises_nothing_but_target_errors(text: str) -> None:
    """Whatever an image prints, there is a target or a TargetError."""
    try:
        found = target(read(text))
    except TargetError:
        return
    assert found.platforms[0].tags


@pytest.mark.parametrize(
    ("libc", "expected"),
    [
        ("glibc 2.17", "glibc 2.17"),
        ("glibc 2.20-2014.11", "glibc 2.20"),
        ("musl 1.2.4", "musl 1.2"),
        ("musl 1.1.24", "musl 1.1"),
        ("uclibc 1.0", ""),
        ("", ""),
    ],
)
def test_reads_the_c_library(libc: str, expected: str) -> None:
    """Vendors write more behind the version; another library than glibc and musl is none."""
    assert interpreter(libc=libc).libc == expected


def test_own_tags_count() -> None:
    """The image's tags are taken as its pip tells them; the two variables of the kernel are not."""
    found = target(interpreter(), notes=["the caller's"])
    assert str(found) == "python 3.9.2, glibc 2.31 x86_64, pip 20.0"
    assert [str(tag) for tag in found.platforms[0].tags] == TOLD["tags"]
    assert found.platforms[0].markers == from_python().platforms[0].markers
    assert (found.source, found.shown_source) == (
        "Dockerfile:1",
        "Dockerfile:1, asked of the image",
    )
    assert (found.notes, found.interpreter) == (("the caller's",), interpreter())


@pytest.mark.parametrize("tags", [TOLD["tags"], []])
def test_upgraded_pip_sets_no_limit(tags: list[str]) -> None:
    """Where the Dockerfile upgrades pip, the tags are those of any pip on the same system."""
    found = target(interpreter(tags=tags), pip_upgraded=True)
    assert found.pip is None
    assert found.platforms == from_python(pip=None).platforms


@pytest.mark.parametrize("upgraded", [True, False])
def test_pip_of_the_dockerfile_counts(upgraded: bool) -> None:
    """Where the Dockerfile installs a certain pip, the tags are those that this one takes."""
    found = target(interpreter(), pip_upgraded=upgraded, pip=Version("21.1"))
    assert (found.pip, found.platforms) == (
        Version("21.1"),
        from_python(pip=Version("21.1")).platforms,
    )


def test_tags_that_pip_does_not_tell_are_computed() -> None:
    """The image's own pip limits them then, as for a name that tells it."""
    found = target(interpreter(tags=[]))
    assert found.platforms == from_python(pip=Version("20.0.2")).platforms


def test_other_platforms_are_taken_to_be_the_same() -> None:
    """A platform that the image here is not for has its Python, pip and libc, and a note."""
    found = target(interpreter(), platforms=["linux/amd64", "arm64"])
    own, other = found.platforms
    computed = from_python(platforms=["linux/arm64"], pip=Version("20.0.2"))
    assert ([str(tag) for tag in own.tags], other) == (TOLD["tags"], computed.platforms[0])
    assert found.notes == (
        "acme-base:1 is for linux/amd64 on this machine: "
        "for linux/arm64 it is assumed to be the same",
    )


@pytest.mark.parametrize(
    ("python", "abis", "wheels"),
    [
        ("3.13.1", ["cp313t"], ["cp313-cp313t-linux_x86_64"]),
        ("3.11.2", ["cp311d", "cp311"], ["cp311-cp311d-linux_x86_64", "cp311-cp311-linux_x86_64"]),
        ("3.7.3", ["cp37m"], ["cp37-cp37m-linux_x86_64"]),
    ],
)
def test_abi_of_the_build_counts(python: str, abis: list[str], wheels: list[str]) -> None:
    """A build without the GIL, or for debugging, has its own ABI also in computed tags."""
    found = target(interpreter(python=python, abis=abis), pip_upgraded=True)
    tags = [str(tag) for tag in found.platforms[0].tags]
    own = [tag for tag in tags if tag.endswith("-linux_x86_64") and tag.split("-")[1] in abis]
    assert own == wheels


def test_c_library_that_is_not_told_is_assumed() -> None:
    """Only where tags have to be computed is a C library assumed, with a note."""
    assert target(interpreter(libc="")).notes == ()
    found = target(interpreter(libc="", tags=[]))
    assert found.notes == ("acme-base:1 does not tell its C library: glibc 2.36 is assumed",)
    assert str(found) == "python 3.9.2, linux x86_64, pip 20.0"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"python": None}, "has no Python\nhint: set `python`"),
        ({"implementation": "PyPy"}, "has PyPy, not CPython\nhint: use an image of CPython"),
        ({"python": "3.5.9"}, "has Python 3.5.9, which can't be served\nhint: use Python 3.6"),
        ({"python": "2.7.18"}, "has Python 2.7.18, which can't be served\nhint: use Python 3.6"),
        ({"python": "own"}, "has Python `own`, which is no version\nhint: set"),
    ],
)
def test_images_that_can_not_be_served(changes: dict[str, Any], told: str) -> None:
    """An image without a CPython that is known is refused with its line and what to do."""
    with pytest.raises(TargetError) as caught:
        target(interpreter(**changes))
    assert str(caught.value).startswith(f"Dockerfile:1: the base image acme-base:1 {told}")


@pytest.mark.parametrize("python", ["3.12.0+", "3.14.0rc1", "3.19.1"])
def test_unusual_versions(python: str) -> None:
    """Builds from a checkout, pre-releases and Pythons newer than this program are served."""
    found = target(interpreter(python=python))
    assert (found.python, str(found.python_version)) == (python, python[:6])


def test_variables_count_before_files() -> None:
    """For pip a variable counts before the section `install`, and that before `global`."""
    found = interpreter(
        configuration=[
            (":env:.no-cache-dir", "1"),
            ("global.index-url", "https://one.example"),
            ("global.timeout", "5"),
            ("install.timeout", "6"),
            ("install.only-binary", "lxml"),
            ("download.only-binary", ":all:"),
        ],
        environment={"UV_INDEX": "x", "PIP_INDEX_URL": "https://two.example", "PIP_PRE": ""},
    )
    assert found.pip_configuration == (
        ("index-url", "https://two.example"),
        ("no-cache-dir", "1"),
        ("only-binary", "lxml"),
        ("timeout", "6"),
    )


def test_passwords_are_not_shown() -> None:
    """What installers are told may hold passwords, and is not in any representation."""
    address = "https://user:secret@host.example"
    found = interpreter(
        environment={"PIP_INDEX_URL": address}, configuration=[["global.index-url", address]]
    )
    assert "secret" not in repr(target(found))
