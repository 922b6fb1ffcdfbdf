"""`pin` from a real image: the one that is built from the new file has the same packages."""

from __future__ import annotations

import pytest
from engine.images import PIP, RunInImage, from_loopback
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

VENV = "RUN python -m venv --without-pip /opt/venv\n"
LIST = """\
from importlib.metadata import distributions
print(*sorted(each.metadata["Name"] + "==" + each.version for each in distributions()))
"""


@pytest.mark.parametrize("folder", ["", "/opt/venv/bin/"], ids=["system", "venv"])
def test_image_of_the_pins_has_the_same_packages(
    project: TemporaryProject,
    index: LoopbackIndex,
    image_name: str,
    run_in_image: RunInImage,
    folder: str,
) -> None:
    """What the image has is pinned, though the index has newer versions by then."""
    index.add("part", "1.0")
    index.add("web", "1.0", requires_dist=["part"])
    if folder:
        step = VENV + PIP.replace("-m pip", f"-m pip --python {folder}python")
        project.write("Dockerfile", from_loopback("3.11", index).replace(PIP, step))
    project.requirements = "Tidy-Lib<2  # the old one\nweb\n"
    assert project.invoke("deps.rebuild").status == 0
    words = [f"{folder}python", "-c", LIST]
    before = run_in_image(image_name, *words).stdout
    assert {"Tidy-Lib==1.0", "web==1.0", "part==1.0"} <= {*before.split()}
    index.add("tidy-lib", "1.5")
    index.add("web", "2.0", requires_dist=["part"])

    done = project.invoke("deps.pin", "--format=json")

    assert done.status == 0, done.stderr
    assert project.requirements == "Tidy-Lib==1.0  # pipflow: <2  # the old one\nweb==1.0\n"
    assert [each["taken_from"] for each in done.report["changes"]] == ["image", "image"]
    assert done.report["image"]["status"] == "built"
    assert run_in_image(image_name, *words).stdout == before


def test_image_that_was_never_built_is_noted(project: TemporaryProject, image_name: str) -> None:
    """Without the image each pin is the newest, and a note says why."""
    project.requirements = "Tidy-Lib\n"
    done = project.invoke("deps.pin", "--no-rebuild")
    assert (done.status, project.requirements) == (0, "Tidy-Lib==2.0\n")
    assert f"docker has no image {image_name}, so each pin is the newest" in done.stdout
