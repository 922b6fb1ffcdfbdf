"""``check`` finds paths in requirements that the image does not have when it installs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functional.temporary_project import TemporaryProject

INSTALL = "RUN pip install -r requirements.txt"
COPY = "COPY requirements.txt ./"
LIB = {"libs/common/pyproject.toml": "", "libs/common/common.py": ""}
ABSENT = "no line before Dockerfile:{} copies {} into the image"
NOWHERE = f"{ABSENT}, and the build context does not have it"


def find(
    project: TemporaryProject, instructions: list[str], lines: str, files: Mapping[str, str]
) -> list[tuple[str, int, str, str]]:
    """Check a project; return severity, line, message and fix of each finding about its lines."""
    project.write("Dockerfile", "\n".join(["FROM python:3.12-slim", *instructions, ""]))
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    project.requirements = lines
    for name, text in files.items():
        project.write(name, text)
    report = project.invoke("deps.check", "--offline", "--format", "json").report
    return [
        (found["severity"], found["line"], found["message"], found["fix"])
        for found in report["findings"]
        if found["file"] == "requirements.txt"
    ]


FREEZE = "`pip list --format=freeze` prints it where the file was made"
THERE = "copy it into the image before that step, and write its path there"


@pytest.mark.parametrize(
    ("line", "path", "message", "fix"),
    [
        ("./libs/a", "./libs/a", NOWHERE, "copy it to /app/libs/a before that step"),
        ("-e ./libs/a[x]", "./libs/a", NOWHERE, "copy it to /app/libs/a before that step"),
        ("a.whl", "a.whl", NOWHERE, "copy it to /app/a.whl before that step"),
        ("file:./a.zip", "./a.zip", NOWHERE, "copy it to /app/a.zip before that step"),
        ("-e /home/jane/lib", "/home/jane/lib", ABSENT, THERE),
        ("-e git+file:///srv/a.git@main#egg=a", "/srv/a.git", ABSENT, THERE),
        (
            "certifi @ file:///croot/certifi_167/work/certifi",
            "/croot/certifi_167/work/certifi",
            ABSENT,
            f"write certifi==<version>; {FREEZE}",
        ),
        (
            "six @ file://localhost/w/six-1.16.0-py2.py3-none-any.whl",
            "/w/six-1.16.0-py2.py3-none-any.whl",
            ABSENT,
            "write six==1.16.0",
        ),
    ],
)
def test_path_that_nothing_copies(
    project: TemporaryProject, line: str, path: str, message: str, fix: str
) -> None:
    """The line, the step and the path are named, and where the path has to be."""
    found = find(project, ["WORKDIR /app", COPY, INSTALL], f"idna==3.6\n{line}\n", {})
    assert found == [("error", 2, message.format(4, path), fix)]


@pytest.mark.parametrize(
    ("instructions", "line"),
    [
        (["WORKDIR /app", "COPY . .", INSTALL], "./libs/common"),
        (["WORKDIR /app", COPY, "COPY libs libs", INSTALL], "-e libs/common"),
        (["WORKDIR /app", COPY, "COPY libs/ ./libs/", INSTALL], "./libs/common"),
        (["WORKDIR /app", COPY, "COPY libs/common /src/common", INSTALL], "/src/common"),
        ([COPY, "COPY libs/common /src/common", f"{INSTALL[:4]}cd /src && {INSTALL[4:]}"], "."),
        ([COPY, "COPY libs/common/pyproject.toml ./", INSTALL], "-e ."),
        ([COPY, "RUN --mount=type=bind,target=. pip install -r requirements.txt"], "libs/common"),
        ([COPY, "RUN git clone https://example.com/tool /src/tool", INSTALL], "-e /src/tool"),
        ([COPY, "COPY --from=ghcr.io/acme/tool /tool /src/tool", INSTALL], "/src/tool"),
        ([COPY, INSTALL], "./libs/absent; sys_platform == 'win32'"),
        ([COPY, INSTALL], "-e git+https://example.com/a.git#egg=a"),
        ([COPY, INSTALL], "a @ https://example.com/a-1.0-py3-none-any.whl"),
        ([COPY, INSTALL], "file://${PROJECT_ROOT}/lib"),
    ],
)
def test_path_that_the_image_has(
    project: TemporaryProject, instructions: list[str], line: str
) -> None:
    """What is copied or mounted, what a command may have made, and addresses are no findings."""
    assert find(project, instructions, f"{line}\n", LIB) == []


def test_copied_folder_lacks_it(project: TemporaryProject) -> None:
    """A folder that is copied brings nothing that the build context does not have."""
    found = find(project, ["COPY . .", INSTALL], "./libs/other\n", LIB)
    message = "the build context does not have ./libs/other, which Dockerfile:3 installs"
    assert found == [("error", 1, message, "copy it to /libs/other before that step")]


def test_nothing_to_install_in_it(project: TemporaryProject) -> None:
    """The project itself can't be installed before its own files are copied."""
    found = find(project, ["WORKDIR /app", COPY, INSTALL], "-e .\n", {"pyproject.toml": ""})
    message = ". has neither pyproject.toml nor setup.py when Dockerfile:4 installs it"
    fix = "copy all of . before that step, or install it in a later one"
    assert found == [("error", 1, message, fix)]


@pytest.mark.parametrize("copied", [COPY, "COPY . ."])
@pytest.mark.parametrize("earlier", ["RUN make everything", "RUN apt-get update"])
def test_a_command_may_have_made_it(project: TemporaryProject, earlier: str, copied: str) -> None:
    """After a command that may do anything, it is no more than a warning."""
    [(severity, *_)] = find(project, [copied, earlier, INSTALL], "./libs/absent\n", {})
    assert severity == "warning"


def test_a_command_names_it(project: TemporaryProject) -> None:
    """What an earlier command names is no finding: it may make that."""
    instructions = ["COPY . .", "RUN make wheels/a-1.0-py3-none-any.whl", INSTALL]
    assert find(project, instructions, "wheels/a-1.0-py3-none-any.whl\n", {}) == []
