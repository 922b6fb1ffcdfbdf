"""``--find-links``: folders of the build context, pages, and what only the image has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from functional.temporary_project import TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

COPY_ALL = "FROM python:3.9-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"


@pytest.fixture(autouse=True)
def releases(index: LoopbackIndex) -> None:
    """Serve one project; another is on no index."""
    index.add("idna", "3.6")
    index.add("idna", "3.20")


@pytest.fixture
def vendor(project: TemporaryProject) -> Path:
    """Put wheels and an sdist of a project that no index has into a folder of the project."""
    other = LoopbackIndex()
    other.add("acme-local", "1.0")
    other.add("acme-local", "1.1", requires_dist=["idna<3.20"])
    other.add("acme-local", "1.2", tags=["cp310-cp310-linux_x86_64"])
    other.add("acme-source", "2.0", wheel=False, sdist=True)
    folder = project.folder / "vendor"
    folder.mkdir()
    other.save(folder)
    return folder


@pytest.mark.parametrize("line", ["--find-links ./vendor", "-f vendor", "--find-links=vendor/"])
def test_folder_beside_the_file(project: TemporaryProject, vendor: Path, line: str) -> None:
    """A folder that the file names, relative to itself, is listed; its metadata count."""
    project.write("Dockerfile", COPY_ALL)
    project.requirements = f"{line}\nacme-local==1.0\nidna==3.6\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert project.requirements == f"{line}\nacme-local==1.1\nidna==3.6\n"
    assert "acme-local 1.1 needs idna<3.20" in done.output
    done = project.invoke("deps.check")
    assert "acme-local" not in done.output


@pytest.mark.parametrize(
    "copy",
    [
        "COPY vendor /wheels",
        "COPY vendor/ /wheels/",
        "COPY vendor/*.whl /wheels/",
        "COPY . /src\nENV PIP_FIND_LINKS=/src/vendor",
    ],
)
def test_folder_that_is_copied(project: TemporaryProject, vendor: Path, copy: str) -> None:
    """A folder that the step names is listed where it is copied from the context."""
    flags = "" if "ENV" in copy else "--find-links /wheels "
    project.write(
        "Dockerfile",
        f"FROM python:3.9-slim\nCOPY requirements.txt .\n{copy}\n"
        f"RUN pip install {flags}-r requirements.txt\n",
    )
    done = project.invoke("deps.add", "acme-local,idna")
    assert done.status == 0, done.output
    assert project.requirements == "acme-local==1.1\nidna==3.6\n"


def test_hashes_of_a_folder(project: TemporaryProject, vendor: Path) -> None:
    """Where the file pins hashes, those of files in a folder are computed."""
    project.write("Dockerfile", COPY_ALL)
    project.requirements = "--require-hashes\n-f vendor\n"
    done = project.invoke("deps.add", "acme-source")
    assert done.status == 0, done.output
    assert "acme-source==2.0 \\\n    --hash=sha256:" in project.requirements


@pytest.mark.parametrize("place", ["file", "step"])
def test_no_index(
    project: TemporaryProject, index: LoopbackIndex, vendor: Path, place: str
) -> None:
    """With ``--no-index``, only the folder counts."""
    index.add("acme-local", "9.0")
    flags = "--no-index " if place == "step" else ""
    project.write(
        "Dockerfile",
        f"FROM python:3.9-slim\nCOPY . .\nRUN pip install {flags}-f vendor -r requirements.txt\n",
    )
    head = "--no-index\n" if place == "file" else ""
    project.requirements = f"{head}acme-local==1.0\n"
    done = project.invoke("deps.upgrade-all", "--no-resolve")
    assert done.status == 0, done.output
    assert project.requirements == f"{head}acme-local==1.1\n"
    assert not index.requests
    done = project.invoke("deps.add", "idna")
    assert done.status == 1
    assert 'there is no "idna" where --find-links looks' in done.output


@pytest.fixture
def page(vendor: Path) -> Iterator[str]:
    """Serve the folder as a page of links."""
    handler = partial(_Quiet, directory=str(vendor))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def test_page(project: TemporaryProject, page: str) -> None:
    """A page is read: its links are files of any project."""
    project.requirements = f"--find-links {page}\nacme-local==1.0\nidna==3.6\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert "acme-local==1.1\nidna==3.6\n" in project.requirements


UNSEEN = {
    "elsewhere": ("--find-links /opt/wheels", "is not in the build context"),
    "missing": ("--find-links ./nothing", "is not in the build context"),
    "empty": ("--find-links ./empty", "holds no wheels or sdists"),
    "variable": ("--find-links ${WHEELS}", "depends on a variable"),
    "silent": ("--find-links http://127.0.0.1:9/torch_stable.html", "can't be reached"),
    "gone": ("--find-links {index}/torch_stable.html", "answers HTTP 404"),
}


class Unseen(NamedTuple):
    """A line that names what can't be read, and what messages say of it."""

    line: str
    shown: str
    why: str

    @property
    def clause(self) -> str:
        """Where a version may come from."""
        return f"from {self.shown}, which {self.why}"


@pytest.fixture(params=UNSEEN)
def unseen(
    request: pytest.FixtureRequest, project: TemporaryProject, index: LoopbackIndex
) -> Unseen:
    """Return a line that names what can't be read."""
    line, why = UNSEEN[request.param]
    line = line.format(index=index.url.rstrip("/")) if "{index}" in line else line
    project.write("empty/notes.txt", "nothing yet\n")
    return Unseen(line=line, shown=f"{line} (requirements.txt:1)", why=why)


@pytest.mark.parametrize("pin", ["acme-local==1.0", "idna==3.6+cpu"])
def test_what_can_not_be_read(project: TemporaryProject, unseen: Unseen, pin: str) -> None:
    """A pin that no index has may come from what can't be read: it is left alone, others move."""
    line = unseen.line
    project.requirements = f"{line}\n{pin}\nattrs==1.0\n"
    with LoopbackIndex() as index:
        index.add("attrs", "1.0")
        index.add("attrs", "1.1")
        index.add("idna", "3.6")
        project.environment["PIP_INDEX_URL"] = index.url
        done = project.invoke("deps.upgrade-all")
        assert done.status == 0, done.output
        assert project.requirements == f"{line}\n{pin}\nattrs==1.1\n"
        assert f"{unseen.shown} {unseen.why}; what it has in the image is unknown" in done.output
        assert f"perhaps {unseen.clause}" in done.output
        assert "no such version" not in done.output
        checked = project.invoke("deps.check")
        assert "the index has no" not in checked.output
        assert f"{unseen.shown} {unseen.why}" in checked.output


@pytest.mark.parametrize("unseen", ["missing", "gone"], indirect=True)
def test_lock_with_what_can_not_be_read(
    project: TemporaryProject, index: LoopbackIndex, unseen: Unseen
) -> None:
    """``lock`` goes on without the dependencies of such a pin, with a warning."""
    line = unseen.line
    index.add("attrs", "1.0", requires_dist=["idna"])
    project.requirements = f"{line}\nidna==3.6+cpu\nacme-local==1.0\nattrs==1.0\n"
    done = project.invoke("deps.lock", "--no-rebuild")
    assert done.status == 0, done.output
    for name, number in (("idna", 2), ("acme-local", 3)):
        assert (
            f"the dependencies of {name} (requirements.txt:{number}) are unknown: "
            f"it is perhaps {unseen.clause}" in done.stderr
        )
    project.requirements = f"{line}\nacme-local==1.0\nattrs==1.0\n"
    done = project.invoke("deps.lock", "--no-rebuild")
    assert done.status == 0, done.output
    assert "idna==3.20  # via attrs\n" in project.requirements


@pytest.mark.parametrize("request_", ["acme-local", "acme-local==1.0", "idna==3.6+cpu"])
@pytest.mark.parametrize("command", ["add", "upgrade"])
@pytest.mark.parametrize("unseen", ["empty"], indirect=True)
def test_request_that_may_be_there(
    project: TemporaryProject, unseen: Unseen, command: str, request_: str
) -> None:
    """Where no index has what is asked for, the error names what could not be read."""
    line = unseen.line
    there = "" if command == "add" else f"{request_.partition('==')[0]}==0.1\n"
    project.requirements = before = f"{line}\n{there}"
    done = project.invoke(f"deps.{command}", request_, "--no-rebuild")
    assert done.status == 1
    assert unseen.clause in done.output
    assert project.requirements == before


@pytest.mark.parametrize("no_index", [False, True])
def test_pin_that_a_folder_does_not_have(
    project: TemporaryProject, vendor: Path, *, no_index: bool
) -> None:
    """A pin that neither the index nor the folder has is left alone; ``check`` finds it."""
    project.write("Dockerfile", COPY_ALL)
    head = "--no-index\n" if no_index else ""
    project.requirements = f"{head}-f vendor\nacme-other==1.0\nacme-local==1.0\n"
    done = project.invoke("deps.upgrade-all", "--no-resolve", "--no-rebuild")
    assert done.status == 0, done.output
    assert project.requirements == f"{head}-f vendor\nacme-other==1.0\nacme-local==1.1\n"
    place = f"--find-links vendor (requirements.txt:{2 if no_index else 1})"
    where = "not in" if no_index else "neither on the index nor in"
    assert f"{where} {place}" in done.output
    checked = project.invoke("deps.check")
    assert checked.status == 1
    assert 'no "acme-other"' in checked.output.replace("project ", "")


def test_step_that_names_a_folder_of_the_image(project: TemporaryProject) -> None:
    """A folder that only the image has is named, whether the index is asked or not."""
    project.write(
        "Dockerfile",
        dockerfile("3.9").replace("install", "install --no-index --find-links /opt/wheels"),
    )
    project.requirements = "idna==3.6\nacme-local==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert project.requirements == "idna==3.20\nacme-local==1.0\n"
    assert "--find-links /opt/wheels (Dockerfile:3) is not in the build context" in done.output
    assert "Dockerfile:3 says --no-index" in done.output


COMPILED = """\
#
# This file is autogenerated by pip-compile with Python 3.9
# by the following command:
#
#    pip-compile requirements.in
#
{links}
idna==3.6
    # via -r requirements.in
"""


@pytest.mark.parametrize("links", ["/home/dev/wheels", "file:///home/dev/my%20wheels"])
def test_adopt_leaves_folders_of_a_machine_out(
    project: TemporaryProject, vendor: Path, links: str
) -> None:
    """``adopt`` keeps what the context has, and leaves the compiling machine's folders out."""
    project.write("Dockerfile", COPY_ALL)
    project.write("requirements.in", "idna\n")
    options = f"--find-links {links}\n--find-links ./vendor\n--find-links ./gone\n"
    project.requirements = COMPILED.format(links=options)
    done = project.invoke("deps.adopt", "--no-rebuild")
    kept = "--find-links ./vendor\n--find-links ./gone\n"
    assert (done.status, project.requirements) == (0, f"{kept}\nidna==3.6\n"), done.output
    assert (
        f"requirements.txt:7: --find-links {links} is a folder of the machine that compiled the "
        "file; it is not kept\n"
    ) in done.stderr
    assert (
        "--find-links ./gone (requirements.txt:2) is not in the build context; what it has in the "
        "image is unknown; if the image does not have it, remove the option\n"
    ) in done.stderr
    assert vendor.is_dir()


@pytest.mark.parametrize(
    ("source", "recipe"),
    [
        ("--find-links /wheels\nidna\n", COPY_ALL),
        ("idna\n", COPY_ALL.replace("RUN", "COPY vendor /wheels\nRUN")),
        ("idna\n", COPY_ALL.replace("python:", "registry.example/python:")),
        (None, COPY_ALL),
    ],
    ids=["in the source", "in the Dockerfile", "perhaps in the base image", "no source"],
)
def test_adopt_keeps_folders_of_the_image(
    project: TemporaryProject, source: str | None, recipe: str
) -> None:
    """``adopt`` keeps a folder that the sources or the Dockerfile name, or the base may have."""
    project.write("Dockerfile", recipe)
    if source is not None:
        project.write("requirements.in", source)
    project.requirements = COMPILED.format(links="--find-links /wheels\n")
    environment = {"INVOKE_PIPFLOW_PYTHON": "3.9"}
    done = project.invoke("deps.adopt", "--no-rebuild", environment=environment)
    assert done.status == 0, done.output
    assert "--find-links /wheels\n" in project.requirements
    assert "/wheels is a folder of the machine" not in done.stderr
    assert "/wheels (requirements.txt:1) is not in the build context; " in done.stderr
    assert "if the image does not have it, remove the option" in done.stderr
