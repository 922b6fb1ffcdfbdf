"""Files that include and constrain each other, several files, several lines of a project."""

from __future__ import annotations

import os
import re
import resource
import shutil
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from functional.temporary_project import ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

from pipflow_tasks.errors import FileError, RequirementsError
from pipflow_tasks.project import Outcome, Plan, Project
from pipflow_tasks.report import write_report
from pipflow_tasks.settings import Settings


def opened(
    project: TemporaryProject, index: LoopbackIndex, file: str = "requirements.txt", **more: str
) -> Project:
    """Open the project at some files."""
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url, **more}
    return Project.open(project.folder, Settings(file=file), environment=environment)


def upgrade_all(
    project: TemporaryProject,
    index: LoopbackIndex,
    file: str = "requirements.txt",
    **more: str,
) -> Plan:
    """Carry `upgrade-all` out, without an image."""
    with opened(project, index, file, **more) as here:
        plan = here.plan_upgrade_all()
        here.apply(plan, rebuild="never")
    return plan


def moved(plan: Plan) -> list[tuple[Any, ...]]:
    return [(c.project, str(c.after), c.file, c.line) for c in plan.changes]


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    for name in ("aa", "bb", "cc", "dd"):
        for version in ("1.0", "1.5", "2.0"):
            index.add(name, version)


# Included files


def test_paths_are_relative_to_the_including_file(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Each `-r` is looked for beside the file that has it; the pin moves where it stands."""
    project.requirements = "aa==1.0\n-r sub/one.txt\n"
    project.write("sub/one.txt", "# one\nbb==1.0\n-r deep/two.txt\n--requirement=../root.txt\n")
    project.write("sub/deep/two.txt", "-r ../side.txt\ncc==1.0\n")
    project.write("sub/side.txt", "\n\ndd==1.0  # side\n")
    project.write("root.txt", "ee==1.0\n")
    index.add("ee", "1.0")
    index.add("ee", "3.0")

    plan = upgrade_all(project, index)

    assert moved(plan) == [
        ("aa", "2.0", "requirements.txt", 1),
        ("bb", "2.0", "sub/one.txt", 2),
        ("dd", "2.0", "sub/side.txt", 3),
        ("cc", "2.0", "sub/deep/two.txt", 2),
        ("ee", "3.0", "root.txt", 1),
    ]
    assert project.requirements == "aa==2.0\n-r sub/one.txt\n"
    assert project.read("sub/one.txt").startswith("# one\nbb==2.0\n-r deep/two.txt\n")
    assert project.read("sub/deep/two.txt") == "-r ../side.txt\ncc==2.0\n"
    assert project.read("sub/side.txt") == "\n\ndd==2.0  # side\n"
    assert project.read("root.txt") == "ee==3.0\n"


@pytest.mark.parametrize(
    ("words", "after", "said"),
    [
        (("upgrade", "bb"), "bb==2.0\n", "moved     bb 1.0 to 2.0 (sub/one.txt:1)"),
        (
            ("upgrade", "bb<2"),
            "bb==1.5  # pipflow: <2\n",
            "moved     bb 1.0 to 1.5 (sub/one.txt:1)",
        ),
        (("upgrade-all",), "bb==2.0\n", "moved     bb 1.0 to 2.0 (sub/one.txt:1)"),
        (("remove", "bb"), "", "removed   bb 1.0 (sub/one.txt:1)"),
        (("outdated",), "bb==1.0\n", "can move  bb 1.0 to 2.0 (sub/one.txt:1)"),
        (("add", "bb"), "bb==1.0\n", "bb is already listed, at 1.0 (sub/one.txt:1)"),
    ],
)
def test_every_task_works_on_the_file_where_the_pin_stands(
    words: tuple[str, ...], after: str, said: str, project: TemporaryProject
) -> None:
    """The included file is edited, the including one is not, and the report names the former."""
    project.requirements = "-r sub/one.txt\n"
    project.write("sub/one.txt", "bb==1.0\n")

    done = project.pipflow(*words)

    assert done.status == 0
    assert said in done.stdout
    assert project.read("sub/one.txt") == after
    assert project.requirements == "-r sub/one.txt\n"


def test_add_goes_into_the_main_file(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A new pin is written into the named file, whatever it includes."""
    project.requirements = "-r sub/one.txt\naa==1.0\n"
    project.write("sub/one.txt", "bb==1.0\n")
    with opened(project, index) as here:
        plan = here.plan_add("cc")
        here.apply(plan, rebuild="never")

    assert moved(plan) == [("cc", "2.0", "requirements.txt", 3)]
    assert project.requirements == "-r sub/one.txt\naa==1.0\ncc==2.0\n"
    assert project.read("sub/one.txt") == "bb==1.0\n"


@pytest.mark.parametrize(
    ("files", "path", "line", "chain"),
    [
        (
            {"requirements.txt": "aa==1.0\n\n-r requirements.txt\n"},
            "requirements.txt", 3, "requirements.txt includes requirements.txt",
        ),
        (
            {"requirements.txt": "-r sub/one.txt\n", "sub/one.txt": "\n-r ../requirements.txt\n"},
            "sub/one.txt", 2, "requirements.txt includes sub/one.txt includes requirements.txt",
        ),
        (
            {
                "requirements.txt": "-r one.txt\n",
                "one.txt": "-r ./sub/../two.txt\n",
                "two.txt": "# two\n-r one.txt\n",
            },
            "two.txt", 2, "one.txt includes two.txt includes one.txt",
        ),
        (
            {"requirements.txt": "-c one.txt\n", "one.txt": "-c one.txt\n"},
            "one.txt", 1, "one.txt includes one.txt",
        ),
        (
            {"requirements.txt": "-c one.txt\n", "one.txt": "-r requirements.txt\n"},
            "one.txt", 1, "requirements.txt includes one.txt includes requirements.txt",
        ),
    ],
)  # fmt: skip
def test_cycle_is_refused(
    files: dict[str, str],
    path: str,
    line: int,
    chain: str,
    project: TemporaryProject,
    index: LoopbackIndex,
) -> None:
    """Files that include each other are an error that shows the chain, with path and line."""
    for name, text in files.items():
        project.write(name, text)
    before = project.contents()

    with pytest.raises(RequirementsError, match=f"include each other: {chain}\n") as caught:
        upgrade_all(project, index)

    assert (caught.value.path, caught.value.line) == (path, line)
    assert project.contents() == before


def test_cycle_ends_the_command_with_status_1(project: TemporaryProject) -> None:
    """The command line tells a cycle as one message with path, line and hint."""
    project.requirements = "aa==1.0\n-r requirements.txt\n"

    done = project.invoke("deps.upgrade-all")

    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("error: requirements.txt:2: the files include each other")
    assert done.stderr.count("hint: ") == 1


@pytest.mark.parametrize("option", ["-r", "-c"])
def test_missing_include_is_refused(
    option: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A file that is not there is an error at the line that names it."""
    project.requirements = "-r sub/one.txt\n"
    project.write("sub/one.txt", f"bb==1.0\n{option} nowhere.txt\n")

    with pytest.raises(RequirementsError, match=r"no file sub/nowhere\.txt") as caught:
        upgrade_all(project, index)

    assert (caught.value.path, caught.value.line) == ("sub/one.txt", 2)


def test_included_address_counts_and_is_not_edited(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What a `-r` of an address brings counts as it stands there, with what it includes in turn."""
    host = index.url.removesuffix("/simple/")
    index.texts["/all/more.txt"] = "-r ../other.txt\n-c limits.txt\nmore==1.0\n"
    index.texts["/other.txt"] = "-r all/more.txt\n"
    index.texts["/all/limits.txt"] = "lib<2\n"
    for name in ("more", "lib", "top"):
        index.add(name, "1.0")
        index.add(name, "2.0", requires_dist=["more>=2"] if name == "top" else [])
    project.requirements = text = f"-r {host}/all/more.txt\naa==1.0\nlib==1.0\ntop==1.0\n"

    plan = upgrade_all(project, index)

    assert project.requirements == text.replace("aa==1.0", "aa==2.0")
    (left,) = plan.left_alone
    assert (left.line, left.reason) == (1, "files at an address are not edited")
    reasons = {held.project: held.reason for held in plan.held}
    assert reasons["lib"] == f"2.0 does not satisfy <2 ({host}/all/limits.txt:1)"
    assert reasons["top"] == (
        f"top 2.0 needs more>=2, and more==1.0 is pinned ({host}/all/more.txt:3)"
    )


def test_address_that_is_named_twice(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What is named by `-r` and by `-c` counts as both, in either order."""
    url = index.url.replace("simple/", "both.txt")
    index.texts["/both.txt"] = "more==1.0\nlib<2\n"
    for name in ("more", "lib"):
        index.add(name, "1.0")
        index.add(name, "2.0", requires_dist=["more>=2"] if name == "lib" else [])
    index.add("lib", "1.5")
    for first, second in ("rc", "cr"):
        project.requirements = head = f"-{first} {url}\n-{second} {url}\n"
        done = project.invoke("deps.add", "lib")
        assert (done.status, project.requirements) == (0, f"{head}lib==1.5\n"), done.output


def test_what_does_not_count_of_a_fetched_file(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Options in it, and what only the image can fetch, are named."""
    url = index.url.replace("simple/", "more.txt")
    index.texts["/more.txt"] = (
        "--pre\n-c file:///srv/own.txt\n-r https://${TOKEN}@h/x.txt\nbb==1.0\n"
    )
    project.requirements = f"-r {url}\naa==1.0\n"

    done = project.invoke("deps.upgrade-all")

    assert done.status == 0
    assert f"warning: --pre ({url}:1) does not count in a file at an address" in done.stderr
    assert f"-c file:///srv/own.txt ({url}:2) is not fetched" in done.stderr
    assert f"@h/x.txt ({url}:3) is not fetched" in done.stderr


def test_hashes_of_a_fetched_file(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where it pins hashes, pip wants them for all, so that what is added gets its own."""
    url = index.url.replace("simple/", "more.txt")
    index.texts["/more.txt"] = f"bb==1.0 --hash=sha256:{'0' * 64}\n"
    project.requirements = f"-r {url}\n"

    assert project.invoke("deps.add", "aa").status == 0
    assert "--hash=sha256:" in project.requirements


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "{place}: the {kind} file at {shown} was not found (HTTP 404)"),
        ("<html>Please log in</html>\n", "{shown}:1: this is a web page"),
        ("a==1\n<<<<<<< a\na==2\n=======\na==3\n>>>>>>> b\n", "{shown}:2: "),
    ],
)
@pytest.mark.parametrize("option", ["-r", "-c"])
def test_address_that_gives_no_requirements_file(
    project: TemporaryProject, index: LoopbackIndex, text: str | None, said: str, option: str
) -> None:
    """An address that gives something else is an error that names it, without its password."""
    if text is not None:
        index.texts["/more.txt"] = text
    url = index.url.replace("simple/", "more.txt")
    project.requirements = before = f"{option} {url.replace('://', '://me:hush@')}\naa==1.0\n"

    done = project.invoke("deps.upgrade-all")

    shown = url.replace("://", "://****@")
    kind = {"-r": "requirements", "-c": "constraints"}[option]
    assert said.format(place="requirements.txt:1", kind=kind, shown=shown) in done.stderr
    assert (done.status, project.requirements) == (1, before)
    assert "hush" not in done.output


def test_file_that_is_included_twice_counts_once(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A file that two others include is read, moved and reported once."""
    project.requirements = "-r one.txt\n-r ./sub/../one.txt\n-r two.txt\n"
    project.write("two.txt", "-r one.txt\nbb==1.0\n")
    project.write("one.txt", "aa==1.0\n")

    plan = upgrade_all(project, index)

    assert moved(plan) == [("aa", "2.0", "one.txt", 1), ("bb", "2.0", "two.txt", 2)]
    assert [edit.shown for edit in plan.edits] == ["one.txt", "two.txt"]
    assert project.read("one.txt") == "aa==2.0\n"


def test_variable_in_the_name_of_a_file_is_followed_and_kept(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`-r ${KIND}.txt` leads to the file that pip would read; the line stays as it is."""
    project.requirements = text = "-r ${KIND}.txt\n"
    project.write("prod.txt", "aa==1.0\n")

    upgrade_all(project, index, KIND="prod")

    assert (project.requirements, project.read("prod.txt")) == (text, "aa==2.0\n")


def test_removal_takes_the_lines_of_all_files(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`remove` takes a project out of every file that has it."""
    project.requirements = "-r one.txt\naa==1.0\nbb==1.0\n"
    project.write("one.txt", "cc==1.0\naa==1.0\n")
    with opened(project, index) as here:
        plan = here.plan_remove("aa")
        here.apply(plan, rebuild="never")

    assert (project.requirements, project.read("one.txt")) == ("-r one.txt\nbb==1.0\n", "cc==1.0\n")
    assert {(c.file, c.line, c.after) for c in plan.changes} == {
        ("requirements.txt", 2, None),
        ("one.txt", 2, None),
    }


# Constraints


@pytest.mark.parametrize("resolve", [False, True])
@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"requirements.txt": "-c c.txt\naa==1.0\n", "c.txt": "# why\nAA<2\n"}, "c.txt:2"),
        (
            {"requirements.txt": "aa==1.0\n-c sub/c.txt\n", "sub/c.txt": "-c d/d.txt\n",
             "sub/d/d.txt": "aa!=2.0\n"},
            "sub/d/d.txt:1",
        ),
        (
            {"requirements.txt": "aa==1.0\n-r one/one.txt\n", "one/one.txt": "-c c.txt\n",
             "one/c.txt": "\naa~=1.0\n"},
            "one/c.txt:2",
        ),
        (
            {"requirements.txt": "-c c.txt\naa==1.0\n", "c.txt": "-r d.txt\n", "d.txt": "aa<2\n"},
            "d.txt:1",
        ),
    ],
)  # fmt: skip
def test_constraint_holds_and_is_named(
    files: dict[str, str],
    place: str,
    resolve: bool,
    project: TemporaryProject,
    index: LoopbackIndex,
) -> None:
    """What a constraints file keeps out is not taken; the file and the line are the reason."""
    for name, text in files.items():
        project.write(name, text)
    with opened(project, index) as here:
        plan = here.plan_upgrade_all(resolve=resolve)
        here.apply(plan, rebuild="never")

    assert project.requirements == files["requirements.txt"].replace("1.0", "1.5")
    assert all(project.read(name) == text for name, text in files.items() if "aa==" not in text)
    assert {(str(each.after), str(each.newest)) for each in plan.changes} == {("1.5", "2.0")}
    assert all(f"({place})" in each.reason for each in plan.changes)


def test_constraint_of_another_marker_does_not_hold(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A constraint whose marker excludes the target, and one without specifier, say nothing."""
    project.requirements = "-c c.txt\naa==1.0\n"
    project.write("c.txt", 'aa<2; python_version < "3.9"\naa\n')

    assert moved(upgrade_all(project, index)) == [("aa", "2.0", "requirements.txt", 2)]


@pytest.mark.parametrize("resolve", [False, True])
def test_constraint_binds_add_and_upgrade(
    resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`add` and a named `upgrade` obey a constraint too."""
    project.requirements = "-c c.txt\naa==1.0\n"
    project.write("c.txt", "aa<2\nbb==1.5\n")
    with opened(project, index) as here:
        here.apply(here.plan_add("bb", resolve=resolve), rebuild="never")
    with opened(project, index) as here:
        here.apply(here.plan_upgrade("aa", resolve=resolve), rebuild="never")

    assert project.requirements == "-c c.txt\naa==1.5\nbb==1.5\n"
    assert project.read("c.txt") == "aa<2\nbb==1.5\n"


def test_pins_of_a_constraints_file_are_nobodys_to_move(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`upgrade` and `remove` of what only a constraints file names: status 1, nothing changes."""
    project.requirements = "-c c.txt\naa==1.0\n"
    project.write("c.txt", "bb==1.0\n")
    before = project.contents()

    for words in (("upgrade", "bb"), ("remove", "bb")):
        done = project.pipflow(*words)
        assert (done.status, project.contents()) == (1, before)
        assert "requirements.txt: bb is not listed" in done.stderr


# Several files at once


@pytest.mark.parametrize("file", ["a.txt,b.txt", " a.txt , sub/../b.txt,", "a.txt,b.txt,a.txt"])
def test_several_files_are_one_plan(
    file: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`--file a.txt,b.txt` plans both together, with one write each."""
    project.write("a.txt", "aa==1.0\nbb==1.0\n")
    project.write("b.txt", "cc==1.0\n-r a.txt\n")

    plan = upgrade_all(project, index, file)

    assert [edit.shown for edit in plan.edits] == ["a.txt", "b.txt"]
    assert moved(plan) == [
        ("aa", "2.0", "a.txt", 1),
        ("bb", "2.0", "a.txt", 2),
        ("cc", "2.0", "b.txt", 1),
    ]
    assert (project.read("a.txt"), project.read("b.txt")) == (
        "aa==2.0\nbb==2.0\n",
        "cc==2.0\n-r a.txt\n",
    )


def test_several_files_on_the_command_line(project: TemporaryProject) -> None:
    """The option and the setting take files parted by commas; one image is built for all."""
    docker = project.stand_in("docker", ENGINE)
    project.write("a.txt", "aa==1.0\n")
    project.write("b.txt", "bb==1.0\n")
    project.write("Dockerfile", dockerfile("3.9", "a.txt", "b.txt"))

    done = project.invoke("deps.upgrade-all", "--file", "a.txt,b.txt")
    removed = project.invoke(
        "deps.remove", "bb", environment={"INVOKE_PIPFLOW_FILE": "a.txt,b.txt"}
    )

    assert (done.status, removed.status) == (0, 0)
    assert "(a.txt:1)" in done.stdout
    assert "(b.txt:1)" in done.stdout
    assert (project.read("a.txt"), project.read("b.txt")) == ("aa==2.0\n", "")
    assert len(docker.builds) == 2
    assert not project.exists()


def test_files_are_decided_together(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pin in one file holds what a pin in another would need."""
    index.add("top", "1.0", requires_dist=["aa<2"])
    project.write("a.txt", "aa==1.0\n")
    project.write("b.txt", "top==1.0\n")

    plan = upgrade_all(project, index, "a.txt,b.txt")

    assert moved(plan) == [("aa", "1.5", "a.txt", 1)]
    assert [(each.project, each.reason) for each in plan.changes] == [("aa", "top 1.0 needs aa<2")]


@pytest.mark.parametrize("build", ["missing", "there"])
def test_second_file_changed_in_between_keeps_both(
    build: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where the second file is no longer what was planned on, the first is put back."""
    project.write("a.txt", "aa==1.0\n")
    project.write("b.txt", "bb==1.0\n")
    with opened(project, index, "a.txt,b.txt") as here:
        plan = here.plan_upgrade_all()
        project.write("b.txt", "bb==1.0\n# somebody\n")
        with pytest.raises(FileError, match=r"b\.txt: another program has changed it"):
            here.apply(plan, rebuild="never" if build == "missing" else "auto")

    assert (project.read("a.txt"), project.read("b.txt")) == ("aa==1.0\n", "bb==1.0\n# somebody\n")


def test_write_that_fails_keeps_both(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where the disk does not take the second file, the first is put back, no scrap is left."""
    project.write("a.txt", "aa==1.0\n")
    project.write("b.txt", "bb==1.0\n" + "# long\n" * 2000)
    before = project.contents()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(project, index, "a.txt,b.txt") as here:
        plan = here.plan_upgrade_all()
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
        try:
            with pytest.raises(FileError, match="can't be written") as caught:
                here.apply(plan, rebuild="never")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    assert caught.value.path == "b.txt"
    assert project.contents() == before


def test_link_is_the_file_that_it_leads_to(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A file that is there twice, by its name and by a link, is edited once; the link stays."""
    project.write("real.txt", "aa==1.0\n")
    (project.folder / "link.txt").symlink_to("real.txt")
    project.write("all.txt", "-r real.txt\n-r link.txt\n")
    upgrade_all(project, index, "all.txt,link.txt")
    assert project.read("real.txt") == "aa==2.0\n"
    assert (project.folder / "link.txt").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into every folder")
def test_folder_that_can_not_be_written_keeps_both(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where the second file's folder takes no new file, the first is put back."""
    project.write("a.txt", "aa==1.0\n")
    project.write("sub/b.txt", "bb==1.0\n")
    before = project.contents()
    (project.folder / "sub").chmod(0o500)
    try:
        with pytest.raises(FileError, match="can't be written") as caught:
            upgrade_all(project, index, "a.txt,sub/b.txt")
    finally:
        (project.folder / "sub").chmod(0o700)

    assert caught.value.path == "sub/b.txt"
    assert project.contents() == before


def test_file_that_vanished_keeps_the_others(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A file whose folder went away since the plan is an error; the others are as they were."""
    project.write("a.txt", "aa==1.0\n")
    project.write("sub/b.txt", "bb==1.0\n")
    with opened(project, index, "a.txt,sub/b.txt") as here:
        plan = here.plan_upgrade_all()
        shutil.rmtree(project.folder / "sub")
        with pytest.raises(FileError):
            here.apply(plan, rebuild="never")

    assert project.read("a.txt") == "aa==1.0\n"
    assert not project.exists("sub/b.txt")


def test_failed_build_restores_every_file(project: TemporaryProject) -> None:
    """A build that fails puts all the files back; the status is 3."""
    docker = project.stand_in("docker", {"version": 0, "build": 1})
    project.requirements = "aa==1.0\n-r sub/one.txt\n"
    project.write("sub/one.txt", "bb==1.0\r\n")
    project.write("b.txt", "cc==1.0")
    before = project.contents()

    done = project.invoke("deps.upgrade-all", "--file", "requirements.txt,b.txt")

    assert (done.status, project.contents()) == (3, before)
    (call,) = docker.builds
    assert call.requirements == "aa==2.0\n-r sub/one.txt\n"


# Several lines of one project

MARKED = (
    'aa==1.0; python_version < "3.9"\n'
    'aa==1.0 ; python_version >= "3.9"  # ours\n'
    "aa == 1.5;sys_platform=='win32'\n"
    "bb==1.0; platform_system == 'Linux' and python_version == '3.9'\n"
)


def test_lines_that_apply_move_and_others_are_reported(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Of several lines of a project those move whose marker fits the target."""
    project.requirements = MARKED

    plan = upgrade_all(project, index)

    assert project.requirements == MARKED.replace(
        'aa==1.0 ; python_version >= "3.9"', 'aa==2.0 ; python_version >= "3.9"'
    ).replace("bb==1.0", "bb==2.0")
    assert [(left.line, left.reason) for left in plan.left_alone] == [
        (1, "excluded by its marker"),
        (3, "excluded by its marker"),
    ]


def test_named_upgrade_reports_the_other_lines(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A named `upgrade` moves the line that applies, and says which it left."""
    project.requirements = MARKED
    with opened(project, index) as here:
        plan = here.plan_upgrade("aa")

    assert moved(plan) == [("aa", "2.0", "requirements.txt", 2)]
    assert [left.line for left in plan.left_alone] == [1, 3]


def test_upgrade_of_lines_that_do_not_apply_is_refused(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where no line of the named project applies, the first is named: status 1."""
    project.requirements = 'aa==1.0\nbb==1.0; python_version < "3"\n'
    with opened(project, index) as here, pytest.raises(RequirementsError) as caught:
        here.plan_upgrade("bb")

    assert caught.value.line == 2
    assert "excluded by its marker" in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        ("aa", (0, 1, 2)),
        ("aa; python_version < '3.9'", (0,)),
        ('AA ;python_version>="3.9"', (1,)),
        ("aa; sys_platform == 'win32'", (2,)),
        ("aa; sys_platform == 'win32', bb", (2, 3)),
    ],
)
def test_remove_takes_all_lines_or_the_one_with_the_marker(
    asked: str, gone: tuple[int, ...], project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A name takes all lines of a project; with a marker, quoted and spaced anyhow, the one."""
    project.requirements = MARKED
    with opened(project, index) as here:
        plan = here.plan_remove(asked)
        here.apply(plan, rebuild="never")

    lines = MARKED.splitlines(keepends=True)
    assert project.requirements == "".join(
        line for number, line in enumerate(lines) if number not in gone
    )
    assert [change.line for change in plan.changes] == [number + 1 for number in gone]


def test_remove_with_another_marker_is_refused(project: TemporaryProject) -> None:
    """A marker that no line has: status 1, and the lines that there are."""
    project.requirements = MARKED

    done = project.invoke("deps.remove", "aa; python_version < '3'")

    assert (done.status, project.requirements) == (1, MARKED)
    assert "(requirements.txt:1)" in done.stderr
    assert "(requirements.txt:3)" in done.stderr


def test_lines_with_equal_markers_move_together(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Two lines that apply both move, each in its own layout."""
    project.requirements = "aa==1.0\naa == 1.0 ; python_version > '3'\n"

    upgrade_all(project, index)

    assert project.requirements == "aa==2.0\naa == 2.0 ; python_version > '3'\n"


# No command writes what a variable stands for


def test_variables_and_credentials_stay_out_of_files_and_reports(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Addresses with variables and passwords are used, but neither written nor printed."""
    index.credentials = ("me", "hush-hush")
    host = index.url.split("/")[2]
    project.requirements = text = (
        f"--index-url http://${{WHO}}:${{SECRET}}@{host}/simple/\n"
        "aa==1.0\nbb==${B_VERSION}\n"
        "cc @ https://me:hush-hush@example.com/cc.zip\n"
    )
    outcome = Outcome(status="skipped")

    plan = upgrade_all(project, index, WHO="me", SECRET="hush-hush", B_VERSION="1.0")

    assert project.requirements == text.replace("aa==1.0", "aa==2.0")
    for form in ("text", "json", "markdown"):
        assert "hush-hush" not in write_report(plan, outcome, form=form)


def test_address_that_makes_no_sense_is_told_without_its_password(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Urllib's own words would quote it."""
    environment = {"PIP_INDEX_URL": "http://me:hush\u2100hush@example.com/simple/"}

    done = project.invoke("deps.add", "aa", environment=environment)

    assert (done.status, project.exists()) == (1, False)
    assert "the index address http://****@example.com/simple/ is not valid" in done.stderr
    assert "hush" not in done.output


def test_refused_credentials_are_not_printed(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """An index that refuses a password is named without it."""
    index.credentials = ("me", "another")
    host = index.url.split("/")[2]
    project.requirements = text = f"-i http://me:hush-hush@{host}/simple/\naa==1.0\n"

    done = project.invoke("deps.upgrade-all")

    assert (done.status, project.requirements) == (1, text)
    assert host in done.stderr
    assert "hush-hush" not in done.output


@pytest.mark.parametrize("given", ["-c", "step", "PIP_CONSTRAINT"])
@pytest.mark.parametrize("with_variable", [True, False])
def test_constraints_from_an_address(
    project: TemporaryProject, index: LoopbackIndex, given: str, with_variable: bool
) -> None:
    """Constraints at an address count, whoever names it; a password in it is not printed."""
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("lib", "3.0")
    index.texts["/constraints.txt"] = "-c more.txt\n"
    index.texts["/more.txt"] = "lib<3\n"
    index.credentials = ("me", "secret")
    host = index.url.split("/")[2]
    url = f"http://me:secret@{host}/constraints.txt"
    environment = {"PIP_INDEX_URL": f"http://me:secret@{host}/simple/", "C": url}
    named = "${C}" if with_variable else url
    project.requirements = text = f"{f'-c {named}' if given == '-c' else '# none'}\nlib==1.0\n"
    option = f" -c {named}" if given == "step" else ""
    variable = f"ARG C\nENV PIP_CONSTRAINT={named}\n" if given == "PIP_CONSTRAINT" else ""
    install = f"RUN pip install -r requirements.txt{option}\n"
    project.write("Dockerfile", f"FROM python:3.9-slim\nCOPY . .\n{variable}{install}")

    done = project.invoke("deps.upgrade-all", environment=environment)

    assert (done.status, project.requirements) == (0, text.replace("lib==1.0", "lib==2.0"))
    assert f"3.0 does not satisfy <3 (http://****@{host}/more.txt:1)" in done.stdout
    assert "secret" not in done.output


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("-c", "file:///constraints.txt"),
        ("step", "file:///constraints.txt"),
        ("step", "https://${TOKEN}@example.com/c.txt"),
    ],
)
def test_constraints_that_only_the_image_can_fetch(
    project: TemporaryProject, index: LoopbackIndex, given: str, named: str
) -> None:
    """An address that can't be asked from here does not count, and that is said."""
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = text = f"{f'-c {named}' if given == '-c' else '# none'}\nlib==1.0\n"
    option = f" -c {named}" if given == "step" else ""
    install = f"RUN pip install -r requirements.txt{option}\n"
    project.write("Dockerfile", f"FROM python:3.9-slim\nCOPY . .\n{install}")

    done = project.invoke("deps.upgrade-all")

    assert (done.status, project.requirements) == (0, text.replace("lib==1.0", "lib==2.0"))
    assert "does not count" in done.stderr


@pytest.mark.parametrize("option", ["-r", "-c"])
def test_address_with_a_variable_that_is_not_set(
    project: TemporaryProject, index: LoopbackIndex, option: str
) -> None:
    """It is an error, as for an index: without what stands there, the picks would be wrong."""
    index.add("lib", "1.0")
    project.requirements = text = f"{option} http://${{UNTOLD}}@example.com/c.txt\n"

    done = project.invoke("deps.add", "lib")

    assert (done.status, project.requirements) == (1, text)
    assert "requirements.txt:1: the address uses ${UNTOLD}, which is not set" in done.stderr


@pytest.mark.parametrize("form", ["-r {url}", "-r {url} && pip install"])
def test_address_of_the_step(project: TemporaryProject, index: LoopbackIndex, form: str) -> None:
    """What the step, or another one of the stage, installs from an address counts."""
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.texts["/base.txt"] = "lib==1.0\n"
    url = index.url.replace("simple/", "base.txt")
    install = f"RUN pip install {form.format(url=url)} -r requirements.txt\n"
    project.write("Dockerfile", f"FROM python:3.9-slim\nCOPY . .\n{install}")

    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == "lib==1.0\n"


def test_pin_of_another_file_is_the_reason(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where another file pins a project, that is why it stays, not what its newest one needs."""
    index.add("dep", "1.0")
    index.add("dep", "2.0")
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_dist=["dep>=2"])
    project.write("base.txt", "lib==1.0\ndep==1.0\n")
    project.requirements = text = "lib==1.0\n"
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install -r base.txt -r requirements.txt\n",
    )

    done = project.invoke("deps.upgrade-all")

    assert (done.status, project.requirements) == (0, text)
    assert "held      lib at 1.0: lib==1.0 is pinned (base.txt:1)" in done.stdout


def test_lock_of_what_an_address_brings(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What the projects of a fetched file bring along is locked; these themselves stand there."""
    index.add("top", "1.0", requires_dist=["lib"])
    index.add("lib", "1.0")
    index.texts["/base.txt"] = "top==1.0\n"
    project.requirements = text = f"-r {index.url.replace('simple/', 'base.txt')}\n"

    assert project.invoke("deps.lock").status == 0
    assert project.requirements == f"{text}lib==1.0  # via top\n"
    assert project.invoke("deps.check").status == 0
    assert project.invoke("deps.unlock").status == 0
    assert project.requirements == text


@pytest.mark.parametrize("place", ["password", "path", "query"])
@pytest.mark.parametrize("value", ["SECRET TAIL", "SECRET\n", "SEC/RET", "SE#CRET", "SEC%20RET"])
def test_values_of_variables_are_not_printed(
    project: TemporaryProject, index: LoopbackIndex, place: str, value: str
) -> None:
    """Wherever a variable stands in an address, no message has its value, come what may."""
    host = index.url.split("/")[2]
    form = {
        "password": "http://me:${VALUE}@{host}/{path}",
        "path": "http://{host}/${VALUE}/{path}",
        "query": "http://{host}/{path}?token=${VALUE}",
    }[place].replace("{host}", host)
    index.texts["/c.txt"] = "lib<2\n"
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    environment = {"VALUE": value}
    project.requirements = f"-c {form.replace('{path}', 'c.txt')}\nlib==1.0\n"
    for words in (("deps.upgrade-all",), ("deps.upgrade-all", "--format=json"), ("deps.check",)):
        done = project.invoke(*words, environment=environment)
        assert not re.search(r"SEC|RET|TAIL", done.output), words
    project.requirements = f"-i {form.replace('{path}', 'nowhere/')}\nlib==1.0\n"
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert done.status == 1
    assert not re.search(r"SEC|RET|TAIL", done.output)


def test_offline_check_fetches_nothing(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A hook before each commit waits for no server."""
    project.requirements = f"-c {index.url.replace('simple/', 'c.txt')}\naa==1.0\n"

    assert project.invoke("deps.check", "--offline").status == 0
    assert index.requests == []


def test_lines_for_one_platform_each(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Lines of a project for one platform each are compatible, and move each for its own."""
    for version in ("1.0", "2.0", "3.0"):
        index.add("lib", version)
    index.add("new", "1.0")
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64,linux/arm64\n")
    project.requirements = text = (
        'lib==1.0; platform_machine == "x86_64"\nlib==2.0; platform_machine == "aarch64"\n'
    )
    moved = text.replace("1.0", "3.0").replace("2.0", "3.0")
    assert project.invoke("deps.add", "new").status == 0
    assert project.requirements == f"{text}new==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, f"{moved}new==1.0\n")


@pytest.mark.parametrize(
    "install",
    [
        "RUN pip install -r requirements.txt -r dev.txt",
        "RUN pip install -r dev.txt\nRUN pip install -r requirements.txt",
    ],
)
def test_other_files_of_the_stage_count(
    project: TemporaryProject, index: LoopbackIndex, install: str
) -> None:
    """What the same stage installs from other files bounds the choice, and is not edited."""
    for version in ("1.0", "2.0"):
        index.add("base", version)
    index.add("top", "1.0", requires_dist=["base"])
    index.add("top", "2.0", requires_dist=["base>=2"])
    project.write("Dockerfile", f"FROM python:3.9-slim\nCOPY *.txt ./\n{install}\n")
    project.write("dev.txt", "base==1.0\n")
    project.requirements = "top==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "top==1.0\n")
    assert "top 2.0 needs base>=2, and base==1.0 is pinned (dev.txt:1)" in done.stdout
    assert "base==1.0 (dev.txt:1)" in project.invoke("deps.why", "base").stdout
    assert project.invoke("deps.upgrade-all", "--file", "requirements.txt,dev.txt").status == 0
    assert (project.requirements, project.read("dev.txt")) == ("top==2.0\n", "base==2.0\n")


def test_pin_outside_a_constraint(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`check` says what would move the pin inside, `lock` refuses the file, and the mend works."""
    for version in ("1.0", "2.0"):
        index.add("lib", version, requires_dist=["base"])
    index.add("base", "1.0")
    project.write("constraints.txt", "lib<2\n")
    project.requirements = text = "-c constraints.txt\nlib==2.0\n"
    done = project.invoke("deps.check")
    assert done.status == 1
    assert 'fix: `upgrade "lib==1.0"` moves it to 1.0' in done.stdout
    done = project.invoke("deps.lock")
    assert (done.status, project.requirements) == (1, text)
    assert "lib==2.0 (requirements.txt:2): lib 2.0 does not satisfy <2" in done.stderr
    assert project.invoke("deps.upgrade", "lib==1.0").status == 0
    assert project.invoke("deps.check").status == 0


@pytest.mark.parametrize("is_chain", [False, True], ids=["many", "deep"])
def test_addresses_that_include_too_much(
    project: TemporaryProject, index: LoopbackIndex, is_chain: bool
) -> None:
    """Files at addresses are read once each, and refused above 500 in all."""
    host = index.url.removesuffix("/simple/")
    names = [f"more{number}.txt" for number in range(600)]
    for name, following in pairwise(names):
        index.texts[f"/{name}"] = f"-r {following}\n-r {following}\n" if is_chain else ""
    if not is_chain:
        index.texts["/more0.txt"] = "".join(f"-r {name}\n" for name in names[1:])
    project.requirements = text = f"-r {host}/more0.txt\nlib==1.0\n"
    done = project.invoke("deps.upgrade-all", "--no-rebuild")
    assert (done.status, project.requirements) == (1, text)
    assert "more than 500 files at addresses are included" in done.stderr
    asked = [request.path for request in index.requests if request.path.startswith("/more")]
    assert len(asked) == len(set(asked)) <= 500


@pytest.mark.parametrize(
    ("number", "includes", "message"),
    [
        (
            40,
            lambda n: f"-r f{n + 1}.txt\n",
            "f32.txt:1: this file is included through more than 32",
        ),
        (600, lambda n: "" if n else "".join(f"-r f{m}.txt\n" for m in range(1, 600)), "500 files"),
        (30, lambda n: f"-r f{n + 1}.txt\n-r f{n + 1}.txt\n", ""),
    ],
    ids=["deep", "many", "twice each"],
)
def test_files_that_include_too_much(
    project: TemporaryProject, number: int, includes: Callable[[int], str], message: str
) -> None:
    """Files are read once each, and are refused above a depth and a number."""
    for each in range(number):
        project.write(f"f{each}.txt", includes(each))
    project.write(f"f{number}.txt", "lib==1.0\n")
    project.write("invoke.yaml", 'pipflow:\n  python: "3.9"\n')
    done = project.invoke("deps.check", "--offline", "--file", "f0.txt")
    assert "Traceback" not in done.output
    assert message in done.output
    assert bool(message) == ("included" in done.output), done.output
