"""Several images from one plan: each is built, and what is in it is compatible."""

from __future__ import annotations

from engine.images import PIP, RunInImage, require_image, version_in
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

COMPOSE = """\
services:
  old:
    image: {name}
    build: {{context: ., target: old, network: host}}
  new:
    image: {name}-new
    build: {{context: ., target: new, network: host}}
"""


def _stage(name: str, python: str, url: str, *files: str) -> str:
    options = " ".join(f"-r {file}" for file in files)
    base = require_image(f"python:{python}-slim")
    return f"FROM {base} AS {name}\nCOPY *.txt ./\n{PIP} --index-url {url} {options}\n"


def test_two_pythons_share_a_file_and_have_one_each(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """The shared pin suits both images, each of which gets its own versions of the rest."""
    index.add("shared", "1.0", requires_dist=["dep"])
    index.add("shared", "2.0", requires_python=">=3.8", requires_dist=["dep"])
    index.add("shared", "3.0", requires_python=">=3.9", requires_dist=["dep"])
    index.add("dep", "1.0")
    index.add("dep", "2.0", requires_python=">=3.9")
    index.add("own", "1.0", requires_dist=["dep<2"])
    index.add("own", "2.0", requires_python=">=3.9", requires_dist=["dep>=2"])
    project.write("compose.yaml", COMPOSE.format(name=image_name))
    project.write("base.txt", "shared==1.0\n")
    project.write("old.txt", "own==1.0\n")
    project.write("new.txt", "own==1.0\n")
    project.write(
        "Dockerfile",
        _stage("old", "3.8", index.url, "base.txt", "old.txt")
        + _stage("new", "3.13", index.url, "base.txt", "new.txt"),
    )
    done = project.invoke("deps.upgrade-all", "--file", "base.txt,old.txt,new.txt", "--format=json")
    assert done.status == 0, done.output
    assert done.report["image"]["status"] == "built"
    read = [project.read(name) for name in ("base.txt", "old.txt", "new.txt")]
    assert read == ["shared==2.0\n", "own==1.0\n", "own==2.0\n"]
    for image, dep, own in ((image_name, "1.0", "1.0"), (f"{image_name}-new", "2.0", "2.0")):
        found = [version_in(image, module, run_in_image) for module in ("shared", "dep", "own")]
        assert found == ["2.0", dep, own]
        assert run_in_image(image, "python", "-m", "pip", "check").returncode == 0


def test_images_with_an_index_each(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """A pin keeps its label, and moves to the newest version on the index of its image."""
    with LoopbackIndex() as gpu:
        for version in ("1.0", "2.0", "3.0"):
            index.add("torch", f"{version}+cpu")
        for version in ("1.0", "2.0"):
            gpu.add("torch", f"{version}+cu126")
        project.write("compose.yaml", COMPOSE.format(name=image_name))
        project.write("cpu.txt", "torch==1.0+cpu\n")
        project.write("gpu.txt", "torch==1.0+cu126\n")
        project.write(
            "Dockerfile",
            _stage("old", "3.11", index.url, "cpu.txt") + _stage("new", "3.11", gpu.url, "gpu.txt"),
        )
        done = project.invoke("deps.upgrade-all", "--file", "cpu.txt,gpu.txt")
        assert done.status == 0, done.output
        assert project.read("cpu.txt") == "torch==3.0+cpu\n"
        assert project.read("gpu.txt") == "torch==2.0+cu126\n"
        assert version_in(image_name, "torch", run_in_image) == "3.0+cpu"
        assert version_in(f"{image_name}-new", "torch", run_in_image) == "2.0+cu126"


def test_each_stage_is_built_and_verified(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """Each stage of the setting is an image, and `verify` runs what it has for it in that image."""
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_python=">=3.8")
    project.remove("compose.yaml")
    project.write("requirements.txt", "lib==1.0\n")
    project.write(
        "Dockerfile",
        _stage("strict", "3.8", index.url, "requirements.txt")
        + _stage("new", "3.13", index.url, "requirements.txt"),
    )
    check = "python -c 'import sys; sys.exit(sys.version_info.minor != {})'"
    project.write(
        "invoke.yaml",
        f"pipflow:\n  image: {image_name}\n  stage: strict,new\n"
        "  build_command: docker build --network host --target {stage} --tag {image} {context}\n"
        f"  verify:\n    Dockerfile#strict: {check.format(8)}\n"
        f"    Dockerfile#new: {check.format(13)}\n",
    )
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "lib==2.0\n"), done.output
    for image in (f"{image_name}-strict", f"{image_name}-new"):
        assert version_in(image, "lib", run_in_image) == "2.0"

    index.add("lib", "3.0", requires_python=">=3.8")
    environment = {
        "INVOKE_PIPFLOW_VERIFY": f"Dockerfile#strict={check.format(8)},Dockerfile#new=false"
    }
    done = project.pipflow("upgrade-all", environment=environment)
    assert (done.status, project.requirements) == (3, "lib==2.0\n"), done.output
    for image in (f"{image_name}-strict", f"{image_name}-new"):
        assert version_in(image, "lib", run_in_image) == "2.0"
