"""Where a pin has hashes, the new version's take the place of the old in the line's own layout."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from functional.prepared_pip import prepare_pip
from functional.temporary_project import Finished, TemporaryProject
from loopback_index import JSON_V1, Fault, LoopbackIndex

from pipflow_tasks.errors import RequirementsError
from pipflow_tasks.project import Plan, Project
from pipflow_tasks.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

OLD = [f"--hash=sha256:{number}{'a' * 63}" for number in range(3)]
TAGS = ("cp39-cp39-manylinux_2_17_x86_64", "cp39-cp39-win_amd64", "py3-none-any")


def carry_out(project: TemporaryProject, index: LoopbackIndex, command: Any, **kept: str) -> Plan:
    """Plan a command and write its files."""
    settings = Settings(**kept)  # type: ignore[arg-type]
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
    with Project.open(project.folder, settings, environment=environment) as opened:
        plan: Plan = command(opened)
        opened.apply(plan, rebuild="never")
    return plan


def upgrade_all(project: TemporaryProject, index: LoopbackIndex) -> Plan:
    return carry_out(project, index, lambda opened: opened.plan_upgrade_all())


def files_of(index: LoopbackIndex, project: str, version: str) -> list[dict[str, Any]]:
    """Return what the index's page says of a release's files."""
    page = urllib.request.Request(f"{index.url}{project}/", headers={"Accept": JSON_V1})
    with urllib.request.urlopen(page) as answer:
        files: list[dict[str, Any]] = json.load(answer)["files"]
    return [file for file in files if f"-{version}-" in file["filename"].replace(".tar", "-")]


def hashes_of(index: LoopbackIndex, project: str, version: str) -> list[str]:
    """Return the options that a pin of a release has to have, sorted."""
    return sorted(
        f"--hash=sha256:{file['hashes']['sha256']}" for file in files_of(index, project, version)
    )


def dry_run(
    folder: Path, index: LoopbackIndex, *words: str, name: str = "requirements.txt"
) -> Finished:
    """Let pip resolve a file, hashes required, and install nothing."""
    done = prepare_pip(sys.executable).run(
        [
            "install", "--isolated", "--dry-run", "--require-hashes", "--ignore-installed",
            "--no-cache-dir", "--disable-pip-version-check",
            "--index-url", index.url, "-r", name, *words,
        ],
        folder,
    )  # fmt: skip
    return Finished(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    index.add("alpha", "1.0")
    index.add("alpha", "2.0", tags=TAGS, sdist=True)
    index.add("beta", "1.0")
    index.add("beta", "2.0")
    index.add("delta", "1.0")


@pytest.mark.parametrize(
    ("before", "gap"),
    [
        (f"alpha==1.0 {OLD[0]}\n", " "),
        (f"alpha==1.0 {OLD[0]} {OLD[1]}\n", " "),
        (f"alpha==1.0 {OLD[0]}  {OLD[1]}  {OLD[2]}\n", "  "),
        (f"alpha==1.0 \\\n    {OLD[0]}\n", " \\\n    "),
        (f"alpha==1.0 \\\n    {OLD[0]} \\\n    {OLD[1]}\n", " \\\n    "),
        (f"alpha==1.0 \\\n  {OLD[0]} \\\n  {OLD[1]} \\\n  {OLD[2]}\n", " \\\n  "),
        (f"alpha==1.0 {OLD[0]} \\\n           {OLD[1]}\n", " \\\n           "),
        (f"alpha == 1.0 \\\n{OLD[0]} \\\n{OLD[1]}", " \\\n"),
        (f"alpha[x, y]==1.0 ; python_version < '4' \\\n    {OLD[0]}\n", " \\\n    "),
        (f"alpha==1.0 {OLD[0]}  # why\n", " "),
        (f"alpha==1.0 \\\n    {OLD[0]} \\\n    {OLD[1]}  # why\n", " \\\n    "),
        (f"alpha==1.0 \\\n    {OLD[0]}\n    # via delta\n", " \\\n    "),
        (f"alpha==1.0 \\\r\n    {OLD[0]} \\\r\n    {OLD[1]}\r\n", " \\\r\n    "),
        (f"alpha==1.0 {OLD[0]}\r\n", " "),
        (f"alpha==1.0 \\\r    {OLD[0]} \\\r    {OLD[1]}\r", " \\\r    "),
    ],
)
def test_new_hashes_take_the_place_of_the_old(
    before: str, gap: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """All old hashes go; those of every file of the release come, sorted, as the old stood."""
    project.requirements = before
    new = hashes_of(index, "alpha", "2.0")
    first, last = before.index("--hash"), before.rindex("a" * 63) + 63
    expected = (before[:first] + gap.join(new) + before[last:]).replace("1.0", "2.0")

    upgrade_all(project, index)

    assert len(new) == 4
    assert project.requirements == expected
    assert dry_run(project.folder, index, "--no-deps").status == 0


@pytest.mark.parametrize("spelling", ["--hash sha256:", '--hash="sha256:', "--hash='sha256:"])
def test_spelling_of_the_option_stays(
    spelling: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A blank for the `=`, and quotes, stay: what pip accepted, it accepts again."""
    quote = spelling[7] if spelling[7] in "'\"" else ""
    project.requirements = f"beta==1.0 {spelling}{'a' * 64}{quote}\n"

    upgrade_all(project, index)

    (digest,) = (file["hashes"]["sha256"] for file in files_of(index, "beta", "2.0"))
    assert project.requirements == f"beta==2.0 {spelling}{digest}{quote}\n"
    assert dry_run(project.folder, index).status == 0


def test_hashes_between_other_options_go_too(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Options that stand between the hashes are kept."""
    project.requirements = (
        f"beta==1.0 {OLD[0]} --global-option=--x {OLD[1]} --config-settings=a=b\n"
    )

    upgrade_all(project, index)

    (new,) = hashes_of(index, "beta", "2.0")
    assert project.requirements == f"beta==2.0 {new} --global-option=--x --config-settings=a=b\n"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("command", ["upgrade-all", "upgrade", "add"])
def test_lines_below_find_their_place(
    count: int, command: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """That a line gets more or fewer physical lines leads no other edit astray."""
    hashes = " \\\n    ".join(f"--hash=sha256:{number}{'a' * 63}" for number in range(count))
    index.add("needy", "1.0", requires_dist=["alpha>=2", "beta>=2"])
    project.requirements = (
        f"alpha==1.0 \\\n    {hashes}\n    # via needy\n"
        f"beta==1.0 \\\n    {OLD[0]}\n"
        f"delta==1.0 \\\n    {OLD[0]}\n    # via alpha\n"
        "gamma>=1\n"
    )
    index.add("gamma", "1.0")

    plan = carry_out(
        project,
        index,
        {
            "upgrade-all": lambda opened: opened.plan_upgrade_all(),
            "upgrade": lambda opened: opened.plan_upgrade("beta alpha"),
            "add": lambda opened: opened.plan_add("needy", with_upgrades=True),
        }[command],
    )

    alpha = " \\\n    ".join(hashes_of(index, "alpha", "2.0"))
    beta = " \\\n    ".join(hashes_of(index, "beta", "2.0"))
    needy = " \\\n    ".join(hashes_of(index, "needy", "1.0"))
    assert {(c.project, str(c.after)) for c in plan.changes} >= {("alpha", "2.0"), ("beta", "2.0")}
    assert project.requirements == (
        f"alpha==2.0 \\\n    {alpha}\n    # via needy\n"
        f"beta==2.0 \\\n    {beta}\n"
        f"delta==1.0 \\\n    {OLD[0]}\n    # via alpha\n"
        "gamma>=1\n" + (f"needy==1.0 \\\n    {needy}\n" if command == "add" else "")
    )


def test_line_without_hashes_gets_none(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pin that has no hash moves alone, even where other pins have some."""
    project.requirements = f"alpha==1.0\nbeta==1.0 {OLD[0]}\n"

    upgrade_all(project, index)

    (beta,) = hashes_of(index, "beta", "2.0")
    assert project.requirements == f"alpha==2.0\nbeta==2.0 {beta}\n"


def test_named_upgrade_downward_replaces_hashes(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin that is asked downward gets the hashes of the version it comes to."""
    project.requirements = f"beta==2.0 {OLD[0]} {OLD[1]}\n"

    carry_out(project, index, lambda opened: opened.plan_upgrade("beta<2"))

    (new,) = hashes_of(index, "beta", "1.0")
    assert project.requirements == f"beta==1.0 {new}  # pipflow: <2\n"


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_algorithm_that_the_index_lacks_is_refused(
    algorithm: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Hashes are replaced by their like: where the index gives sha256 alone, nothing moves."""
    project.requirements = text = f"delta==1.0\nbeta==1.0 --hash={algorithm}:{'a' * 96}\n"

    with pytest.raises(RequirementsError, match=f"gives no {algorithm} of beta-2.0") as caught:
        upgrade_all(project, index)

    assert (caught.value.path, caught.value.line) == ("requirements.txt", 2)
    assert project.requirements == text


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_algorithm_of_the_line_stays(
    algorithm: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where the index gives the algorithm that the line has, the line keeps it."""
    files = files_of(index, "beta", "2.0")
    digest = hashlib.new(algorithm, b"made up").hexdigest()
    for file in files:
        file["hashes"][algorithm] = digest
        file["url"] = f"{index.url}../files/{file['filename']}"
    page = {"meta": {"api-version": "1.1"}, "name": "beta", "files": files}
    body = json.dumps(page).encode()
    index.break_project("beta", Fault(body=body, content_type=JSON_V1))
    project.requirements = f"beta==1.0 \\\n  --hash={algorithm}:{'a' * 96} \\\n  {OLD[1]}\n"

    upgrade_all(project, index)

    assert project.requirements == f"beta==2.0 \\\n  --hash={algorithm}:{digest}\n"


@pytest.mark.parametrize("words", [("upgrade-all",), ("upgrade", "beta"), ("add", "alpha")])
def test_index_without_hashes_is_refused(
    words: tuple[str, ...], project: TemporaryProject, index: LoopbackIndex
) -> None:
    """An index that gives no hashes: status 1, the files named, nothing written."""
    index.with_hashes = False
    project.requirements = text = f"beta==1.0 {OLD[0]}\n"
    before = project.contents()

    done = project.pipflow(*words)

    wanted = "alpha-2.0" if words[0] == "add" else "beta-2.0"
    assert (done.status, done.stdout, project.contents()) == (1, "", before)
    assert f"the index gives no sha256 of {wanted}" in done.stderr
    assert done.stderr.count("hint: ") == 1
    assert project.requirements == text


def test_unmoved_pin_keeps_its_hashes(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pin that stays keeps the hashes it has, whatever the index gives."""
    project.requirements = text = f"beta==2.0 {OLD[0]} {OLD[2]}\n"

    plan = upgrade_all(project, index)

    assert (plan.edits, project.requirements) == ((), text)


@pytest.mark.parametrize(
    ("before", "gap"),
    [
        (f"beta==1.0 {OLD[0]}\n", " "),
        (f"beta==1.0 {OLD[0]} {OLD[1]}\n", " "),
        (f"beta==1.0 \\\n  {OLD[0]}\n", " \\\n  "),
        (f"beta==1.0 \\\r\n  {OLD[0]} \\\r\n  {OLD[1]}\r\n", " \\\r\n  "),
        ("--require-hashes\n", " \\\n    "),
        ("--require-hashes\r\n", " \\\r\n    "),
    ],
)
def test_added_line_has_hashes_in_the_layout_of_the_file(
    before: str, gap: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`add` into a file with hashes writes all those of the release, laid out as they are there."""
    project.requirements = before

    carry_out(project, index, lambda opened: opened.plan_add("alpha"))

    end = "\r\n" if "\r\n" in before else "\n"
    line = f"alpha==2.0{gap}{gap.join(hashes_of(index, 'alpha', '2.0'))}{end}"
    assert project.requirements in {line + before, before + line}


def test_added_line_with_policy_and_hashes_is_read_again(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """The policy of an added line stands behind its hashes, where pip and the next run read it."""
    index.add("gamma", "1.0")
    index.add("gamma", "2.0")
    project.requirements = "--require-hashes\n"

    carry_out(project, index, lambda opened: opened.plan_add("gamma<2"))
    plan = upgrade_all(project, index)

    assert project.requirements.endswith(f"{hashes_of(index, 'gamma', '1.0')[0]}  # pipflow: <2\n")
    assert [held.project for held in plan.held] == ["gamma"]
    assert dry_run(project.folder, index).status == 0


def test_add_names_the_dependencies_without_hash(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Dependencies that the file does not have yet are named, those of dependencies too."""
    index.add("top", "1.0", requires_dist=["Mid_Dle", "beta", "never; python_version < '3'"])
    index.add("mid-dle", "1.0", requires_dist=["deep>=1"])
    index.add("deep", "1.0")
    index.add("top", "0.9")
    project.requirements = f"beta==1.0 {OLD[0]}\n"

    plan = carry_out(project, index, lambda opened: opened.plan_add("top"))

    assert plan.warnings == (
        "the file pins hashes, so pip will want one for every dependency; missing: deep, mid-dle; "
        "run `lock`, which writes them",
    )


def test_add_of_dependencies_too_names_nothing(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where all that is needed is there, or added with it, nothing is missing, and pip agrees."""
    index.add("top", "1.0", requires_dist=["alpha", "beta>=2"])
    index.add("top", "0.9")
    project.requirements = "--require-hashes\n"

    plan = carry_out(project, index, lambda opened: opened.plan_add("top alpha beta"))

    assert plan.warnings == ()
    assert dry_run(project.folder, index).status == 0


def test_missing_dependency_is_what_pip_misses(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Pip refuses the file for just the dependency that the warning names, and then takes it."""
    index.add("top", "1.0", requires_dist=["deep>=1"])
    index.add("deep", "1.0")
    project.requirements = "--require-hashes\n"

    done = project.pipflow("add", "top")
    refused = dry_run(project.folder, index)
    again = project.pipflow("add", "deep")
    accepted = dry_run(project.folder, index)

    assert (done.status, again.status) == (0, 0)
    assert "missing: deep" in done.stderr
    assert refused.status == 1
    assert "deep>=1" in refused.output
    assert "not there yet" not in again.stderr
    assert accepted.status == 0
    assert "Would install deep-1.0 top-1.0" in accepted.stdout


def test_whole_hashed_file_installs_after_upgrade_all(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """After `upgrade-all` pip accepts a file of hashes with all its dependencies."""
    index.add("top", "1.0", requires_dist=["alpha", "beta"])
    index.add("top", "2.0", requires_dist=["alpha>=2", "beta>=2"], tags=TAGS, sdist=True)
    project.requirements = "".join(
        f"{name}==1.0 \\\n    {' '.join(hashes_of(index, name, '1.0'))}\n    # via top\n"
        for name in ("alpha", "beta", "top")
    )
    assert dry_run(project.folder, index).status == 0

    done = project.invoke("deps.upgrade-all")
    pip = dry_run(project.folder, index)

    assert done.status == 0
    assert pip.status == 0
    assert "Would install alpha-2.0 beta-2.0 top-2.0" in pip.stdout


def test_hashes_of_an_included_file_make_add_write_hashes(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Pip wants hashes of all as soon as one file has some, so `add` writes them."""
    project.requirements = "-r hashed.txt\n"
    project.write("hashed.txt", f"beta==1.0 {hashes_of(index, 'beta', '1.0')[0]}\n")

    carry_out(project, index, lambda opened: opened.plan_add("delta"))

    assert hashes_of(index, "delta", "1.0")[0] in project.requirements
    assert dry_run(project.folder, index).status == 0


@pytest.mark.parametrize("words", [("add", "top"), ("upgrade", "low"), ("upgrade-all",)], ids=str)
def test_lock_writes_the_hashes_that_pip_misses(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """What is missing for a pin that is new, or has moved, is what `lock` writes, as it says."""
    index.add("top", "1.0", requires_dist=["deep>=1"])
    index.add("low", "1.0")
    index.add("low", "2.0", requires_dist=["deep>=1"])
    index.add("deep", "1.0")
    project.requirements = f"low==1.0 {hashes_of(index, 'low', '1.0')[0]}\n"

    done = project.pipflow(*words)
    assert dry_run(project.folder, index).status == 1
    locked = project.pipflow("lock")

    assert (done.status, locked.status) == (0, 0), done.output
    assert "missing: deep; run `lock`, which writes them" in done.stderr
    assert dry_run(project.folder, index).status == 0


@pytest.mark.parametrize("words", [("upgrade-all",), ("outdated",), ("pin",)], ids=str)
def test_line_that_is_left_alone_has_no_hashes(
    project: TemporaryProject, words: tuple[str, ...]
) -> None:
    """A hashed line that is left alone is named without its hashes, in each format."""
    address = "beta @ https://example.com/beta.whl"
    project.requirements = f"alpha==1.0 {OLD[0]}\n{address} \\\n    {OLD[0]}\n"
    done = project.pipflow(*words, "--no-resolve")
    assert f"left      {address} (requirements.txt:2): a URL\n" in done.stdout
    for form in ("json", "markdown"):
        done = project.pipflow(*words, "--no-resolve", "--format", form)
        assert address in done.stdout
        assert "sha256" not in done.stdout
