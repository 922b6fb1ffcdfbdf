"""`--max-growth`: a plan that makes what is installed too large ends before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from functional.temporary_project import ENGINE, Finished, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

LARGE = 300_000
"""How much a large wheel has, besides a kilobyte of its own."""


@pytest.fixture(autouse=True)
def filled(index: LoopbackIndex) -> LoopbackIndex:
    """An index with `app`, of which 2.0 needs something large, and 3.0 nothing."""
    index.add("app", "1.0")
    index.add("app", "2.0", requires_dist=["large", "small"])
    index.add("app", "3.0", requires_python=">=3.11")
    index.add("large", "1.0", padding_bytes=LARGE)
    index.add("small", "1.0")
    index.add("other", "1.0")
    return index


def run(project: TemporaryProject, *words: str, limit: str = "1MB", **more: str) -> Finished:
    return project.pipflow(*words, "--max-growth", limit, "--format", "json", environment=more)


def growth(project: TemporaryProject, *words: str) -> dict[str, Any]:
    done = run(project, *words, "--dry-run")
    assert done.status == 0, done.output
    first, *_ = done.report["costs"]
    assert isinstance(first, dict)
    return first


@pytest.mark.parametrize("command", [("add", "app"), ("upgrade", "app"), ("upgrade-all",)])
def test_nothing_is_written_above_the_limit(
    project: TemporaryProject, command: tuple[str, ...]
) -> None:
    """The error names the largest and what allows it; no file is written, nothing is built."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = before = "other==1.0\n" if command[0] == "add" else "app==1.0\n"
    done = project.pipflow(*command, "--max-growth", "200kB")
    assert (done.status, done.stdout, project.requirements) == (1, "", before), done.output
    assert docker.builds == ()
    error, first, *_ = done.stderr.splitlines()
    assert "and --max-growth allows 200 kB" in error
    assert "error: what is installed grows by 30" in error
    assert first.startswith("  large 1.0: 30")
    assert "`--max-growth 1MB` allows all of it" in done.stderr
    report = run(project, *command, limit="200kB").report
    assert (report["error"]["code"], report["error"]["exit_status"]) == ("growth", 1)
    assert report["error"]["reasons"][0] == first.strip()
    (cost,) = report["costs"]
    assert LARGE < cost["growth_bytes"] < LARGE + 5000
    limit = f"{cost['growth_bytes']}B"
    assert run(project, *command, "--dry-run", limit=limit).status == 0


@pytest.mark.parametrize("form", ["markdown", "github"])
def test_nothing_that_is_refused_counts_as_done(project: TemporaryProject, form: str) -> None:
    """A report of a command that changed nothing says what it would have added, not that it did."""
    done = project.pipflow("add", "app", "--max-growth", "200kB", "--format", form)
    assert done.status == 1
    assert "1 package to add" in done.stdout
    assert "added" not in done.stdout.replace("| added |", "")


def test_growth_is_after_minus_before(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Dependencies count, new and gone; a report says how much it is, also where it is less."""
    project.requirements = "app==1.0\n"
    up = growth(project, "upgrade", "app")
    assert (up["environment"], up["packages"]) == ("Dockerfile", 2)
    assert LARGE < up["growth_bytes"] < LARGE + 5000
    assert LARGE < up["size_bytes"] < LARGE + 5000
    shown = project.pipflow("upgrade", "app", "--max-growth", "1MB", "--dry-run").stdout
    assert " kB more than before, compressed, dependencies included\n" in shown
    project.requirements = "app==2.0\n"
    down = growth(project, "upgrade", "app==1.0")
    assert (down["growth_bytes"], down["packages"]) == (-up["growth_bytes"], 0)
    shown = project.pipflow("upgrade", "app==1.0", "--max-growth", "0MB", "--dry-run").stdout
    assert " kB less than before, compressed, dependencies included\n" in shown
    index.add("large", "1.1", padding_bytes=LARGE + 100_000)
    assert growth(project, "add", "large==1.0")["growth_bytes"] == -100_000


def test_commands_that_move_nothing_may_grow(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Without its lock, or the line that held it, a package is the newest, which may be larger."""
    index.add("large", "2.0", padding_bytes=3 * LARGE)
    project.requirements = "app==2.0\nlarge==1.0  # via app\nsmall==1.0  # via app\n"
    assert growth(project, "unlock")["growth_bytes"] == 2 * LARGE
    project.requirements = "app==2.0\nlarge==1.0\n"
    assert growth(project, "remove", "large")["growth_bytes"] == 2 * LARGE
    assert run(project, "remove", "large", limit="10kB").status == 1
    assert growth(project, "lock")["growth_bytes"] == 0
    project.requirements = "app\n"
    done = run(project, "pin", "--dry-run")
    assert done.report["costs"][0]["growth_bytes"] == 0
    assert any(each.startswith("app is not pinned: --max") for each in done.report["warnings"])


@pytest.mark.parametrize("limit", ["200", "MB", "1.2.3MB", "-1MB", "1 TB", "9" * 20 + "B", "all"])
def test_limit_that_is_no_size(project: TemporaryProject, limit: str) -> None:
    """A number without a unit, or anything else, is an error that shows how to write it."""
    done = project.pipflow("add", "other", f"--max-growth={limit}")
    assert (done.status, (project.folder / "requirements.txt").exists()) == (1, False)
    assert done.stderr == (
        f'error: `--max-growth` can\'t be "{limit}"\n'
        "hint: write a number with its unit: B, kB, MB, GB, or KiB, MiB, GiB: 200MB\n"
    )


@pytest.mark.parametrize(
    ("limit", "status"),
    [("300KB", 1), ("0.3 mb", 1), ("292KiB", 1), ("320000B", 0), ("0.31MiB", 0), ("1gib", 0)],
)
def test_units(project: TemporaryProject, limit: str, status: int) -> None:
    """Units are decimal or binary, in any case."""
    assert run(project, "add", "app", limit=limit).status == status


def test_unknown_size(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What is new and has no known size is an error; what stays may have any."""
    index.face = "html"
    project.requirements = "app==1.0\n"
    done = project.pipflow("add", "other", "--max-growth", "9GB")
    assert (done.status, project.requirements) == (1, "app==1.0\n")
    assert done.stderr.splitlines()[:2] == [
        "error: --max-growth needs sizes that are unknown",
        "  other 1.0: the index does not state the size of other-1.0-py3-none-any.whl",
    ]
    assert run(project, "remove", "app").status == 0


def test_unknown_dependencies(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A new source distribution may need anything; one that stays needs what it did."""
    index.add("built", "1.0", wheel=False, sdist="dynamic")
    done = run(project, "add", "built")
    assert done.report["error"]["reasons"] == [
        "built 1.0: its dependencies are unknown without building it"
    ]
    project.requirements = "built==1.0\n./local\n"
    project.write("local/setup.py", "")
    assert run(project, "add", "other").status == 0


def test_addresses(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Nothing is known of what a new package takes from an address; one that stays may be any."""
    address = "hidden @ https://127.0.0.1:1/hidden-1.0.zip"
    index.add("taking", "1.0", requires_dist=[address])
    index.add("taking", "1.1", requires_dist=[address])
    done = run(project, "add", "taking", "--dry-run")
    assert done.report["error"]["reasons"] == [
        "hidden: nothing is known of it (taking 1.1 needs it)"
    ]
    project.requirements = f"taking==1.0\n{address}\n"
    assert growth(project, "add", "other")["packages"] == 1
    assert growth(project, "upgrade", "taking")["packages"] == 0
    project.requirements = "taking==1.0\n"
    assert growth(project, "add", "other")["packages"] == 1
    assert run(project, "upgrade", "taking", "--dry-run").status == 1


def test_error_names_a_few(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The largest come first; what is smaller, or installed no more, is below them, or counted."""
    for number in range(7):
        index.add(f"part-{number}", "1.0", padding_bytes=number * 1000)
    index.add("whole", "1.0", requires_dist=["gone"])
    index.add("gone", "1.0", padding_bytes=500)
    index.add("whole", "2.0", requires_dist=[f"part-{number}" for number in range(7)])
    project.requirements = "whole==1.0\n"
    reasons = run(project, "upgrade", "whole", limit="1kB").report["error"]["reasons"]
    assert [each.partition(" ")[0] for each in reasons] == [
        *("part-6", "part-5", "part-4", "part-3", "part-2", "...")
    ]
    assert reasons[-1] == "... and 4 more"
    index.add("whole", "2.0", requires_dist=["part-6"])
    project.requirements = "whole==1.0\n"
    reasons = run(project, "upgrade", "whole", limit="1kB").report["error"]["reasons"]
    assert reasons[1].startswith("whole 1.0 to 2.0: ")
    assert reasons[2].startswith("gone 1.0: ")
    assert reasons[2].endswith(" less, it is installed no more")


def test_conflict_before(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where it is unknown what is installed now, that is an error with what to do."""
    index.add("strict", "1.0", requires_dist=["small<1"])
    project.requirements = before = "small==1.0\nstrict==1.0\n"
    done = project.pipflow("add", "other", "--max-growth", "1MB")
    assert (done.status, project.requirements) == (1, before)
    assert "needs to know what is installed, and the pinned requirements conflict" in done.stderr
    assert "strict 1.0 needs small<1" in done.stderr
    assert "or leave out --max-growth" in done.stderr


def test_pin_that_the_image_cannot_install(project: TemporaryProject) -> None:
    """Of a pin that no build installs nothing is known before: all of the new one counts."""
    project.requirements = "app==3.0\n"
    assert growth(project, "upgrade", "app==2.0")["growth_bytes"] > LARGE
    assert growth(project, "add", "other")["growth_bytes"] < 5000


def test_environment_within_another(project: TemporaryProject) -> None:
    """The smaller of two environments may grow by more: each is looked at by itself."""
    project.write("web.txt", "other==1.0\n")
    project.write("all.txt", "-r web.txt\nlarge==1.0\n")
    for name in ("web", "all"):
        project.write(f"{name}.Dockerfile", dockerfile("3.9", "web.txt", f"{name}.txt"))
    project.write(
        "invoke.yaml", "pipflow: {file: web.txt, dockerfile: 'web.Dockerfile,all.Dockerfile'}\n"
    )
    done = run(project, "add", "app", "--dry-run")
    found = {each["environment"]: each["growth_bytes"] for each in done.report["costs"]}
    assert [*found] == ["web.Dockerfile", "all.Dockerfile"]
    assert found["web.Dockerfile"] > LARGE > found["all.Dockerfile"]
    done = run(project, "add", "app", limit="200kB")
    assert " in web.Dockerfile, compressed" in done.report["error"]["message"]
    assert {each["environment"]: each["growth_bytes"] for each in done.report["costs"]} == found


def test_largest_platform_counts(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Of an image for several platforms the largest grows."""
    for machine, size in (("x86_64", 1), ("aarch64", LARGE)):
        tag = f"cp39-cp39-manylinux_2_17_{machine}"
        index.add("wheels", "1.0", tags=[tag], padding_bytes=size)
    variables = {"INVOKE_PIPFLOW_PLATFORM": "linux/amd64,linux/arm64"}
    assert run(project, "add", "wheels", limit="200kB", **variables).status == 1
    assert run(project, "add", "wheels", limit="400kB", **variables).status == 0


def test_step_without_dependencies(project: TemporaryProject) -> None:
    """Where the step installs what the file lists and no more, no more counts."""
    text = project.read("Dockerfile").replace("pip install", "pip install --no-deps")
    project.write("Dockerfile", text)
    assert growth(project, "add", "app")["growth_bytes"] < 5000
    assert growth(project, "add", "app", "large")["growth_bytes"] > LARGE


def test_without_resolution_dependencies_count(project: TemporaryProject) -> None:
    """`--no-resolve` chooses without dependencies; the image installs them all the same."""
    assert run(project, "add", "app", "--no-resolve", limit="200kB").status == 1


def test_cooldown_is_not_the_installers(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A dependency that is not pinned is what the image gets, however young it is."""
    index.add("large", "1.1", padding_bytes=2 * LARGE, upload_time="2036-01-01T00:00:00Z")
    variables = {"INVOKE_PIPFLOW_COOLDOWN_DAYS": "30"}
    assert run(project, "add", "app", limit="500kB", **variables).status == 1


def test_file_that_is_yet_to_be_compiled(project: TemporaryProject) -> None:
    """What a tool will choose later is unknown: that is an error."""
    project.write("requirements.in", "other\n")
    header = "# This file is autogenerated by pip-compile with Python 3.9\n#\n"
    header += "#    pip-compile requirements.in\n#\n"
    project.requirements = before = f"{header}other==1.0\n    # via -r requirements.in\n"
    done = project.pipflow("add", "app", "--max-growth", "1MB")
    assert (done.status, project.requirements) == (1, before), done.output
    assert project.read("requirements.in") == "other\n"
    assert "requirements.txt is yet to be compiled from requirements.in" in done.stderr
    assert "add --compile" in done.stderr


def test_nothing_to_change(project: TemporaryProject) -> None:
    """A plan that edits nothing makes nothing grow, and asks for nothing."""
    project.requirements = "other==1.0\n"
    done = run(project, "upgrade-all", limit="0B")
    assert (done.status, done.report["costs"]) == (0, [])


def test_as_an_invoke_task(project: TemporaryProject) -> None:
    """The option is the same for Invoke; a task that changes nothing has none."""
    done = project.invoke("deps.add", "app", "--max-growth=200kB")
    assert (done.status, "error: what is installed grows by" in done.stderr) == (1, True)
    assert project.pipflow("outdated", "--max-growth", "1MB").status == 1
