"""`add`: the newest version that the image can install, pinned, sorted, all or nothing."""

from __future__ import annotations

import re
import stat
from typing import Any

import pytest
from functional.temporary_project import ENGINE, TemporaryProject, dockerfile
from loopback_index import Face, LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    index.add("requests", "2.31.0", requires_dist=["pysocks; extra == 'socks'"])
    index.add("requests", "2.30.0", requires_dist=["pysocks; extra == 'socks'"])
    index.add("pysocks", "1.7")
    index.add("Flask", "2.3.3")
    index.add("Flask", "3.0.3")
    index.add("Django", "4.2.16")
    index.add("Django", "4.2.9")
    index.add("Django", "5.1")


def test_makes_the_file(project: TemporaryProject) -> None:
    """Where there is no requirements file yet, `add` writes one with the pin, and nothing else."""
    before = project.contents()
    done = project.invoke("deps.add", "requests")
    assert (done.status, done.stderr) == (0, "")
    assert project.contents() == {**before, "requirements.txt": b"requests==2.31.0\n"}
    assert "added     requests 2.31.0 (requirements.txt:1)" in done.stdout.splitlines()


@pytest.mark.parametrize("face", ["json", "html"])
def test_reads_both_faces_of_an_index(
    project: TemporaryProject, index: LoopbackIndex, face: Face
) -> None:
    """An index that speaks HTML alone gives the same pins as one that speaks JSON."""
    index.face = face
    index.add("requests", "2.32.0", requires_python=">=3.10")
    index.add("requests", "2.31.5", yanked="broken")
    assert project.invoke("deps.add", "requests").status == 0
    assert project.requirements == "requests==2.31.0\n"


def test_newest_is_by_version_not_by_text(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Versions compare as PEP 440 has it, whatever the order of the page."""
    for version in ("10.0", "9.1", "9.10", "2.0"):
        index.add("lib", version)
    project.invoke("deps.add", "lib")
    assert project.requirements == "lib==10.0\n"


def test_sorts_the_block(project: TemporaryProject) -> None:
    """The block is sorted by canonical name; its heading stays, comments go with their line."""
    project.requirements = (
        "# web\n"
        "zope.interface==5.0\n"
        "# kept back for a reason\n"
        "Aiohttp==3.8  # a remark\n"
        "celery==5.0\n"
        "    # via something\n"
        "\n"
        "beta==1\n"
        "alpha==1\n"
    )
    project.invoke("deps.add", "requests")
    assert project.requirements == (
        "# web\n"
        "# kept back for a reason\n"
        "Aiohttp==3.8  # a remark\n"
        "celery==5.0\n"
        "    # via something\n"
        "requests==2.31.0\n"
        "zope.interface==5.0\n"
        "\n"
        "beta==1\n"
        "alpha==1\n"
    )


def test_insert_moves_no_other_line(project: TemporaryProject) -> None:
    """With `sort: insert` the new line goes to its place and the others stay where they are."""
    project.write("invoke.yaml", "pipflow:\n  sort: insert\n")
    project.requirements = "zope==1\nalpha==1\nyarl==1\n"
    project.invoke("deps.add", "requests")
    assert project.requirements == "requests==2.31.0\nzope==1\nalpha==1\nyarl==1\n"


@pytest.mark.parametrize(
    "word",
    ["requests flask", "requests,flask", " requests  , flask "],
)
def test_takes_several_in_one_word(project: TemporaryProject, word: str) -> None:
    """Packages are parted by blanks or commas."""
    assert project.invoke("deps.add", word).status == 0
    assert project.requirements == "flask==3.0.3\nrequests==2.31.0\n"


def test_commas_of_a_specifier_part_nothing(project: TemporaryProject) -> None:
    """A comma inside a specifier is the specifier's."""
    words = ("requests[socks]>=2.30,<2.31 flask>=2, <3", "--no-policy")
    assert project.invoke("deps.add", *words).status == 0
    assert project.requirements == "flask==2.3.3\nrequests[socks]==2.30.0\n"


def test_keeps_extras(project: TemporaryProject) -> None:
    """Extras that were asked for are written."""
    project.invoke("deps.add", "requests[socks]")
    assert project.requirements == "requests[socks]==2.31.0\n"


def test_pins_within_a_specifier(project: TemporaryProject) -> None:
    """`django>=4.2,<5` pins the newest 4.2, and keeps the upper bound as the line's policy."""
    assert project.invoke("deps.add", "django>=4.2,<5").status == 0
    assert project.requirements == "django==4.2.16  # pipflow: <5\n"
    assert project.invoke("deps.upgrade-all").status == 0
    assert project.requirements == "django==4.2.16  # pipflow: <5\n"


def test_keeps_a_marker(project: TemporaryProject) -> None:
    """A marker that was asked for is written behind the pin."""
    done = project.invoke("deps.add", 'flask; python_version < "3.12", requests')
    assert done.status == 0
    assert project.requirements == 'flask==3.0.3; python_version < "3.12"\nrequests==2.31.0\n'


def test_line_for_another_python_is_not_there(project: TemporaryProject) -> None:
    """A line that the image does not read is no answer; the hint writes one that it reads."""
    project.requirements = text = 'flask==2.3.3; python_version < "3.9"\n'
    done = project.invoke("deps.add", "flask")
    assert done.status == 1
    assert project.requirements == text
    assert "flask is already listed, but its marker excludes python 3.9" in done.stderr
    hint = re.search('`add "(.+)"`', done.stderr)
    assert hint is not None
    assert project.invoke("deps.add", hint[1]).status == 0
    assert project.requirements == (
        'flask==2.3.3; python_version < "3.9"\nflask==3.0.3; python_version >= "3.9"\n'
    )
    done = project.invoke("deps.add", "flask")
    assert (done.status, "flask is already listed, at 3.0.3" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("line", "asked", "status", "said"),
    [
        ("flask>=3", "flask<3", 1, 'already listed and contradicts "flask<3"'),
        ("flask>=3", "flask<3", 1, 'hint: `upgrade "flask<3"` may move it'),
        ("flask==2.3.3", "flask>=3", 1, 'hint: `upgrade "flask>=3"` may move it'),
        (
            "flask==2.3.3  # pipflow: hold",
            "flask>=3",
            1,
            'its policy hold forbids that: change it, then `upgrade "flask>=3"` may move the pin',
        ),
        (
            "flask==2.3.3  # pipflow: <3",
            "flask>=3",
            1,
            'its policy <3 forbids that: `upgrade "flask>=3,<4"` also changes it, and may move',
        ),
        ("flask==2.3.3  # pipflow: <4", "flask>=3", 1, '`upgrade "flask>=3"` may move it'),
        ("flask==2.3.3  # pipflow: <3", "flask>=3,<4", 1, '`upgrade "flask>=3,<4"` may move it'),
    ],
)
def test_what_is_there_may_not_be_what_is_asked_for(
    project: TemporaryProject, line: str, asked: str, status: int, said: str
) -> None:
    """A line that excludes what is asked for stays, and the hint says what would help."""
    project.requirements = text = f"{line}\n"
    done = project.invoke("deps.add", asked)
    assert (done.status, project.requirements) == (status, text)
    assert said in done.output


@pytest.mark.parametrize(
    ("line", "asked", "after"),
    [
        ("flask", "flask", "flask==3.0.3"),
        ("flask>=2.3  # why", "flask>=2", "flask==3.0.3  # why"),
        ("flask>=3", "flask!=2.3.3", "flask==3.0.3  # pipflow: !=2.3.3"),
        ("flask>=2", "flask==2.3.3", "flask==2.3.3"),
        ("flask>=2", "flask<3", "flask==2.3.3  # pipflow: <3"),
        ("flask<3", "flask", "flask==2.3.3  # pipflow: <3"),
        ("flask<3  # why", "flask>=2", "flask==2.3.3  # pipflow: <3  # why"),
        ("flask[async]<3", "flask[dotenv]", "flask[async,dotenv]==2.3.3  # pipflow: <3"),
    ],
)
def test_line_that_is_not_pinned_gets_its_pin(
    project: TemporaryProject, line: str, asked: str, after: str
) -> None:
    """Naming it pins it, within the line and the request; their bounds become its policy."""
    project.requirements = f"{line}\n"
    done = project.invoke("deps.add", asked)
    assert (done.status, " ".join(project.requirements.split())) == (0, " ".join(after.split()))
    assert f"pinned    flask {after.partition('==')[2].split()[0]}" in done.stdout


@pytest.mark.parametrize(
    ("line", "words", "after", "said"),
    [
        ("flask==2.3.3", ["flask<3"], "flask==2.3.3  # pipflow: <3", "<3 becomes the policy"),
        ("flask==2.3.3  # why", ["flask<3"], "flask==2.3.3  # pipflow: <3  # why", "<3 becomes"),
        ("flask==2.3.3  # pipflow: <3", ["flask<4"], "flask==2.3.3  # pipflow: <4",
         "the policy of flask is <4 now, no longer <3; --no-policy leaves it as it was"),
        ("flask==2.3.3  # pipflow: <3", ["flask<3"], "flask==2.3.3  # pipflow: <3",
         "nothing to change"),
        ("flask==2.3.3  # pipflow: <3,>=2", ["flask!=2.3.1"],
         "flask==2.3.3  # pipflow: <3,>=2,!=2.3.1", "no longer <3,>=2"),
        ("flask==2.3.3", ["flask>=2"], "flask==2.3.3", "nothing to change"),
        ("flask==2.3.3", ["flask==2.3.3"], "flask==2.3.3", "nothing to change"),
        ("flask==2.3.3", ["flask<3", "--no-policy"], "flask==2.3.3", "nothing to change"),
        ("flask==2.3.3  # pipflow: hold", ["flask<3"], "flask==2.3.3  # pipflow: hold",
         "the policy of flask is still hold (requirements.txt:1)"),
        ("flask==2.3.3; python_version>'3'", ["flask<3"],
         "flask==2.3.3; python_version>'3'  # pipflow: <3", "<3 becomes the policy of flask"),
    ],
)  # fmt: skip
def test_bound_becomes_the_policy_of_a_pin(
    project: TemporaryProject, line: str, words: list[str], after: str, said: str
) -> None:
    """Of a pin that satisfies it, a bound is written or changed as the policy, and reported."""
    project.requirements = f"{line}\n"
    done = project.invoke("deps.add", *words)
    assert (done.status, project.requirements) == (0, f"{after}\n"), done.output
    assert said in done.stdout


@pytest.mark.parametrize(
    ("line", "asked", "after"),
    [
        ("celery==5.3", "celery[redis]", "celery[redis]==5.3"),
        ("celery==5.3  # queue", "celery[sqs,redis]", "celery[redis,sqs]==5.3  # queue"),
        ("celery [ a ] == 5.3", "celery[redis]", "celery [a,redis] == 5.3"),
        ("celery[tls, gevent]==5.3", "celery[redis]", "celery[tls, gevent, redis]==5.3"),
        ("celery[gevent, tls]==5.3", "celery[redis]", "celery[gevent, redis, tls]==5.3"),
        ("Celery[Redis]==5.3", "celery[redis]", "Celery[Redis]==5.3"),
        ("celery==5.3", "celery[redis]<6", "celery[redis]==5.3  # pipflow: <6"),
        ("celery(==5.3)", "celery[redis]", "celery[redis](==5.3)"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--no-resolve",)], ids=["together", "alone"])
def test_extra_is_written_into_the_line(
    project: TemporaryProject,
    index: LoopbackIndex,
    line: str,
    asked: str,
    after: str,
    options: tuple[str, ...],
) -> None:
    """An extra of a pinned project comes into its line, in the order of the line's own."""
    for version in ("5.3", "5.4"):
        index.add("celery", version, requires_dist=["redis; extra == 'redis'"])
    index.add("redis", "1.0")
    project.requirements = f"{line}\n"
    done = project.invoke("deps.add", asked, *options)
    assert (done.status, project.requirements) == (0, f"{after}\n"), done.output
    extras = [each for each in ("redis", "sqs") if each in after and each not in line.lower()]
    if extras:
        told = f"{'extras' if len(extras) > 1 else 'extra'} {' and '.join(extras)}"
        assert f"added     the {told} to {line[:6]} 5.3 (requirements.txt:1)" in done.stdout


def test_what_an_extra_needs_counts(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What an extra needs has to agree with the other pins; JSON has the extra."""
    index.add("celery", "5.3", requires_dist=["redis>=2; extra == 'redis'"])
    for version in ("1.0", "2.0"):
        index.add("redis", version)
    project.requirements = text = "celery==5.3\nredis==1.0\n"
    refused = project.invoke("deps.add", "celery[redis]")
    assert (refused.status, project.requirements) == (1, text)
    assert "celery[redis] 5.3 needs redis>=2" in refused.stderr
    assert "hint: --with-upgrades also moves redis to 2.0" in refused.stderr
    done = project.invoke("deps.add", "celery[redis]", "--with-upgrades", "--format=json")
    assert project.requirements == "celery[redis]==5.3\nredis==2.0\n"
    changed = [(each["project"], each["extras"]) for each in done.report["changes"]]
    assert sorted(changed) == [("celery", ["redis"]), ("redis", [])]


def test_extra_of_another_line_is_there(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Of two lines of a project, the one that has the extra counts."""
    index.add("celery", "5.3", requires_dist=["redis; extra == 'redis'"])
    index.add("redis", "2.0")
    project.requirements = "celery==5.3\ncelery[redis]==5.3\n"
    done = project.invoke("deps.add", "celery[redis]")
    assert (done.status, project.requirements) == (0, "celery==5.3\ncelery[redis]==5.3\n")
    assert "celery is already listed, at 5.3 (requirements.txt:2)" in done.stdout


def test_extra_of_a_locked_project_is_locked(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """In a locked file, what the extra needs gets its line."""
    index.add("celery", "5.3", requires_dist=["redis; extra == 'redis'", "kombu"])
    index.add("kombu", "1.0")
    index.add("redis", "1.0")
    project.requirements = "celery==5.3\nkombu==1.0  # via celery\n"
    assert project.invoke("deps.add", "celery[redis]").status == 0
    assert project.requirements == (
        "celery[redis]==5.3\nkombu==1.0  # via celery\nredis==1.0  # via celery\n"
    )


@pytest.mark.parametrize("line", ["flask @ https://example.com/flask.whl", "flask==${VERSION}"])
def test_line_that_upgrade_can_not_move(project: TemporaryProject, line: str) -> None:
    """What is there by an address or a variable is shown, without a command that would fail."""
    project.requirements = f"{line}\n"
    done = project.invoke("deps.add", "flask", environment={"VERSION": "2.3.3"})
    assert done.status == 0
    assert f"flask is already listed: {line} (requirements.txt:1)" in done.stdout
    assert "`upgrade" not in done.output


def test_line_for_some_of_the_platforms_is_not_there(project: TemporaryProject) -> None:
    """Where the image has several platforms, each of them has to read a line."""
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64,linux/arm64\n")
    project.requirements = text = 'flask==3.0.3; platform_machine == "x86_64"\n'
    done = project.invoke("deps.add", "flask")
    assert (done.status, project.requirements) == (1, text)
    assert "but its marker excludes python 3.9, glibc 2.41 aarch64" in done.stderr
    done = project.invoke("deps.add", "flask; platform_machine != 'x86_64'")
    assert done.status == 0, done.stderr
    assert project.requirements == text + 'flask==3.0.3; platform_machine != "x86_64"\n'


@pytest.mark.parametrize(
    "marker", ["python_version < '3.9' or sys_platform == 'win32'", "'3.9' > python_version"]
)
def test_marker_that_is_no_simple_comparison(project: TemporaryProject, marker: str) -> None:
    """Whatever the marker is, the line that it is in is no answer."""
    project.requirements = text = f"flask==2.3.3; {marker}\n"
    done = project.invoke("deps.add", "flask")
    assert (done.status, project.requirements) == (1, text)
    assert 'hint: `add "flask; ' in done.stderr


def test_group_picks_the_block(project: TemporaryProject) -> None:
    """`--group` names the heading of the block that gets the line; case does not matter."""
    project.requirements = "# Web\nzope==1\n\n# --- Tests ---\nzest==1\n"
    done = project.invoke("deps.add", "requests", "--group", "tests")
    assert done.status == 0
    assert project.requirements == (
        "# Web\nzope==1\n\n# --- Tests ---\nrequests==2.31.0\nzest==1\n"
    )


def test_unknown_group_lists_the_headings(project: TemporaryProject) -> None:
    """A group that is not there is status 1, and the headings that are there are named."""
    project.requirements = text = "# Web\nzope==1\n\n# Tests:\nzest==1\n"
    done = project.invoke("deps.add", "requests", "--group", "docs")
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert '"docs"' in done.stderr
    assert '"Web", "Tests"' in done.stderr


def test_prerelease_only_when_asked(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pre-release is newest with `--pre` alone."""
    index.add("requests", "3.0rc1")
    project.invoke("deps.add", "requests")
    assert project.requirements == "requests==2.31.0\n"
    project.remove("requirements.txt")
    project.invoke("deps.add", "requests", "--pre")
    assert project.requirements == "requests==3.0rc1\n"


def test_prerelease_where_nothing_else_exists(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where a project has pre-releases only, the newest is taken."""
    index.add("young", "0.1a1")
    index.add("young", "0.1b2")
    project.invoke("deps.add", "young")
    assert project.requirements == "young==0.1b2\n"


@pytest.mark.parametrize("word", ["flask-sqlalchemy", "Flask.SQLAlchemy>=2", "flask_sqlalchemy"])
def test_what_is_there_stays(project: TemporaryProject, word: str) -> None:
    """A project that is there and satisfies the request: status 0, a hint, nothing written."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = text = "# b\nzope==1\nFlask_SQLAlchemy==2.5.0\n"
    done = project.invoke("deps.add", word)
    assert (done.status, project.requirements, docker.built) == (0, text, [])
    assert "Flask_SQLAlchemy is already listed, at 2.5.0" in done.stdout
    assert "`upgrade Flask_SQLAlchemy`" in done.stdout


def test_new_one_beside_one_that_is_there(project: TemporaryProject) -> None:
    """Of several packages, the one that is there stays and the other is added."""
    project.requirements = "requests==2.0\n"
    assert project.invoke("deps.add", "requests flask").status == 0
    assert project.requirements == "flask==3.0.3\nrequests==2.0\n"


@pytest.mark.parametrize("word", ["requests>=2.31", "requests==2.0", "requests<2.30", "flask<2"])
def test_contradiction_is_refused(project: TemporaryProject, word: str) -> None:
    """A request that contradicts the line that is there: status 1, with the line, unchanged."""
    project.requirements = text = "requests==2.30.0\nflask>=2\n"
    done = project.invoke("deps.add", f"django {word}")
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert "requirements.txt:" in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize("word", ["requests Requests", "requests==2.31.0 requests<2.31"])
def test_named_twice_is_refused(project: TemporaryProject, word: str) -> None:
    """A project that is named twice is asked for once, or not at all: status 1."""
    assert project.invoke("deps.add", word).status == 1
    assert not project.exists()


def test_all_or_nothing(project: TemporaryProject) -> None:
    """Where one of several packages can't be added, none is."""
    done = project.invoke("deps.add", "requests, nonsuch")
    assert (done.status, project.exists()) == (1, False)
    assert '"nonsuch"' in done.stderr


def test_yanked_is_passed_over(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A yanked version is not the newest, but can be asked for by its number, with a warning."""
    index.add("requests", "2.40", yanked="leaks sockets")
    project.invoke("deps.add", "requests")
    assert project.requirements == "requests==2.31.0\n"
    project.remove("requirements.txt")
    done = project.invoke("deps.add", "requests==2.40")
    assert project.requirements == "requests==2.40\n"
    assert "warning: requests 2.40 was yanked: leaks sockets" in done.stderr


def test_source_alone_is_taken_with_a_warning(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A version that only an sdist serves on the target is taken, and a warning says so."""
    index.add("fast", "1.0", tags=["cp39-cp39-manylinux_2_17_x86_64"])
    index.add("fast", "1.1", tags=["cp312-cp312-manylinux_2_17_x86_64"], sdist=True)
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    done = project.invoke("deps.add", "fast")
    assert project.requirements == "fast==1.1\n"
    assert "warning: fast 1.1 has no wheel for" in done.stderr


def test_wheels_decide_where_there_is_no_source(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A version without a file for the target is passed over, and held is why."""
    index.add("fast", "1.0", tags=["cp39-cp39-manylinux_2_17_x86_64"])
    index.add("fast", "1.1", tags=["cp312-cp312-manylinux_2_17_x86_64"])
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    done = project.invoke("deps.add", "fast")
    assert project.requirements == "fast==1.0\n"
    assert "fast 1.0 (requirements.txt:1)\n          1.1 has no wheel for" in done.stdout


def test_every_reason_is_shown_when_nothing_is_left(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where no version suits, each is named with what speaks against it: status 1."""
    index.add("lib", "3.0", requires_python=">=3.10")
    index.add("lib", "2.0", yanked="wrong upload")
    index.add("lib", "1.0")
    done = project.invoke("deps.add", "lib>=2")
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert "3.0 needs Python >=3.10, the image has 3.9 (Dockerfile:1)" in done.stderr
    assert "2.0 was yanked: wrong upload" in done.stderr
    assert "does not satisfy" not in done.stderr


def test_close_name_is_offered(project: TemporaryProject) -> None:
    """A project that the index does not have is compared with those of the file."""
    project.requirements = text = "requests==2.30.0\n"
    done = project.invoke("deps.add", "reqeusts")
    assert (done.status, project.requirements) == (1, text)
    assert "did you mean requests" in done.stderr


@pytest.mark.parametrize(
    "word",
    ["", " , ", "requests==", "./here", "--nonsense", "a@@b", "flask @ http://127.0.0.1/f.whl"],
)
def test_what_is_no_requirement_is_refused(project: TemporaryProject, word: str) -> None:
    """A word that names no project to look up: status 1, one message with a hint."""
    done = project.invoke("deps.add", word)
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert done.stderr.count("hint: ") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["flask", "celery[redis]", "zope.interface"])
def test_one_sign_for_two(project: TemporaryProject, name: str) -> None:
    """A version behind one `=` gets the hint that two are meant."""
    done = project.invoke("deps.add", f"{name}=5.0")
    assert done.status == 1
    assert f'hint: did you mean "{name}==5.0"?' in done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("flask==3.0.3\r\n", "flask==3.0.3\r\nrequests==2.31.0\r\n"),
        ("\ufeffzope==1\n", "\ufeffrequests==2.31.0\nzope==1\n"),
        ("flask==3.0.3", "flask==3.0.3\nrequests==2.31.0"),
        ("zope==1", "requests==2.31.0\nzope==1"),
        ("-r base.txt\n\nzope==1\n", "-r base.txt\n\nrequests==2.31.0\nzope==1\n"),
        ("# nothing yet\n", "# nothing yet\nrequests==2.31.0\n"),
        ("zope \\\n  ==1\n", "requests==2.31.0\nzope \\\n  ==1\n"),
        ("<<< what is this\nzope==1\n", "<<< what is this\nrequests==2.31.0\nzope==1\n"),
        ("", "requests==2.31.0\n"),
    ],
)
def test_other_bytes_stay(project: TemporaryProject, before: str, after: str) -> None:
    """Line endings, byte order mark, final newline and lines of other kinds stay as they are."""
    project.write("base.txt", "")
    project.requirements = before
    assert project.invoke("deps.add", "requests").status == 0
    assert project.requirements == after


def test_file_with_hashes_gets_hashes(project: TemporaryProject) -> None:
    """A line without hashes would break a file that has them: the new line has its own."""
    project.requirements = text = f"zope==1 --hash=sha256:{'0' * 64}\n"
    assert project.invoke("deps.add", "requests").status == 0
    new = project.requirements.removesuffix(text)
    assert re.fullmatch(r"requests==2\.31\.0[ \\\n]+--hash=sha256:[0-9a-f]{64}\n", new)


def test_mode_stays_and_links_are_followed(project: TemporaryProject) -> None:
    """The file that a link leads to is replaced, with its mode; the link stays a link."""
    target = project.write("requirements/base.txt", "zope==1\n")
    target.chmod(0o640)
    link = project.folder / "requirements.txt"
    link.symlink_to("requirements/base.txt")
    assert project.invoke("deps.add", "requests").status == 0
    assert link.is_symlink()
    assert target.read_text() == "requests==2.31.0\nzope==1\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_no_distribution_is_fetched(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Nothing is installed or built on this host: pages and metadata are all that is asked for."""
    assert project.invoke("deps.add", "requests flask").status == 0
    asked = {request.path for request in index.requests}
    assert {"/simple/requests/", "/simple/flask/"} <= asked
    assert [path for path in asked if path.endswith((".whl", ".tar.gz"))] == []


@pytest.mark.parametrize("name", ["requirements", "../shop/requirements.txt", "reqs/base.txt"])
def test_file_names_another_file(project: TemporaryProject, name: str) -> None:
    """`--file` is the requirements file in the place of the setting."""
    project.write("requirements.in", "left alone\n")
    project.write("reqs/base.txt", "zope==1\n")
    done = project.invoke("deps.add", "requests", "--file", name)
    assert done.status == 0
    assert "requests==2.31.0\n" in project.read(name)
    assert project.read("requirements.in") == "left alone\n"


def test_last_line_without_ending_moves(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A line that gets an ending while it moves is told where it stands in the new file."""
    for version in ("1.0", "2.0"):
        index.add("old", version)
    index.add("new", "1.0", requires_dist=["old>=2"])
    index.add("rest", "1.0")
    project.requirements = "rest==1.0\nold==1.0"
    done = project.invoke("deps.add", "new", "--with-upgrades")
    assert (done.status, project.requirements) == (0, "new==1.0\nold==2.0\nrest==1.0")
    assert "moved     old 1.0 to 2.0 (requirements.txt:2)" in done.stdout


def test_extra_that_there_is_not(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An extra that the chosen version does not have is named, as pip does."""
    index.add("lib", "1.0", requires_dist=['other; extra == "fast"'])
    index.add("other", "1.0")
    done = project.invoke("deps.add", "lib[fast,fats]")
    assert (done.status, project.requirements) == (0, "lib[fast,fats]==1.0\n")
    assert "warning: lib 1.0 has no extra fats\n" in done.stderr


def test_comment_alone_builds_nothing(project: TemporaryProject) -> None:
    """Where only a comment changes, the file is written and no image is built."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = "flask==2.3.3\n"
    done = project.invoke("deps.add", "flask<3")
    assert (done.status, project.requirements) == (0, "flask==2.3.3  # pipflow: <3\n")
    assert "only comments and the order of lines change, so no image is built" in done.stdout
    assert docker.built == []
    assert project.invoke("deps.add", "flask<3 requests").status == 0
    assert len(docker.built) == 1


def test_extra_leaves_a_version_without_its_label(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin that the index has with a label only keeps what it says."""
    index.add("tensors", "2.0+cpu", requires_dist=["flask; extra == 'web'"])
    project.requirements = "tensors==2.0\n"
    assert project.invoke("deps.add", "tensors[web]").status == 0
    assert project.requirements == "tensors[web]==2.0\n"


def test_line_that_two_requests_are_about(project: TemporaryProject) -> None:
    """Markers choose between lines; two requests for one line are refused, and nothing is lost."""
    one, two = "flask==2.3.3; python_version >= '3'", "flask==2.0; python_version < '3'"
    project.requirements = text = f"{one}\n{two}\n"
    asked = "flask[a]; python_version >= '3', flask[b]; python_version < '3'"
    assert project.invoke("deps.add", asked).status == 0
    assert project.requirements == text.replace("flask", "flask[a]", 1).replace(
        "flask==", "flask[b]=="
    )
    asked = "flask[c]; python_version >= '3', flask[d]"
    done = project.invoke("deps.add", asked)
    assert (done.status, "ask for it once" in done.stderr) == (1, True)


def test_versions_that_were_not_asked_for_are_no_reason(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What rules out a version that was asked for is said, not that others were not."""
    for version in ("1.0", "1.1", "2.0", "2.1"):
        index.add("fast", version, tags=["cp38-cp38-win32"])
    done = project.invoke("deps.add", "fast==1.1")
    assert "fast that satisfies ==1.1 suits" in done.stderr
    assert "1.1 has no wheel for" in done.stderr
    assert "does not satisfy" not in done.stderr
    done = project.invoke("deps.add", "fast==9")
    assert "there is no such version; the newest is 2.1" in done.stderr
    done = project.invoke("deps.add", "fast")
    assert "1.0 to 2.1 (4 versions): have no wheel for" in done.stderr


@pytest.fixture
def needy(index: LoopbackIndex) -> None:
    """Serve a project whose versions need newer ones of another, up to 3.0."""
    for version in ("1.0", "2.0", "3.0"):
        index.add("part", version)
    index.add("needy", "0.9", requires_dist=["part>=2"])
    index.add("needy", "1.0", requires_dist=["part>=3"])


@pytest.mark.parametrize(
    ("there", "asked", "hint"),
    [
        ("", ["needy==1.0", "part<3"],
         'without part<3, `add "needy==1.0 part==3.0"` takes the newest versions'),
        ("", ["needy>=1", "part==2.0"],
         'without part==2.0, `add "needy==1.0 part==3.0"` takes the newest versions'),
        ("part==2.0\n", ["needy>=1", "part<3"],
         'without needy>=1, `add "needy==0.9"` takes the newest version'),
        ("part>=1\n", ["needy", "part<2"],
         'without part<2, `add "needy==1.0 part==3.0"` takes the newest versions'),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("needy")
def test_hint_names_the_limit_that_it_drops(
    project: TemporaryProject, there: str, asked: list[str], hint: str
) -> None:
    """Where requests conflict, the hint says which of them its command does without."""
    project.requirements = there
    done = project.pipflow("add", *asked)
    assert (done.status, project.requirements) == (1, there)
    assert f"hint: {hint}" in done.stderr


@pytest.mark.parametrize(
    ("there", "asked", "after"),
    [
        ("part==2.0\n", "part<4", "needy==1.0\npart==3.0  # pipflow: <4\n"),
        ("part==2.0\n", "part>=2", "needy==1.0\npart==3.0\n"),
        ("part==1.0\n", "part<3", "part==1.0\n"),
        ("part==2.0  # pipflow: <3\n", "part<4", "needy==1.0\npart==3.0  # pipflow: <4\n"),
        ("part==2.0  # pipflow: !=2.5,<3\n", "part<5",
         "needy==1.0\npart==3.0  # pipflow: !=2.5,<5\n"),
        ("part==2.0  # pipflow: <3\n", "part>=2", "part==2.0  # pipflow: <3\n"),
        ("top==1.0\npart==2.0  # via top\n", "part<4",
         "needy==1.0\npart==3.0  # pipflow: <4\ntop==1.0\n"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("needy")
def test_pins_move_within_what_is_asked_for(
    project: TemporaryProject, index: LoopbackIndex, there: str, asked: str, after: str
) -> None:
    """A pin that is asked for as well moves with its new policy, and never out of the request."""
    index.add("top", "1.0", requires_dist=["part"])
    project.requirements = there
    done = project.pipflow("add", "needy>=1", asked, "--with-upgrades")
    assert project.requirements == after, done.output
    assert done.status == (0 if "needy" in after else 1)
    assert "already listed" not in done.output


@pytest.mark.parametrize(
    ("sort", "after", "hint"),
    [
        ("block", "click==2.0\nflask==3.0.3\nrequests==2.31.0\nzope==1.0\n",
         "2 other lines of requirements.txt move, since the block was not sorted; "
         "the setting `sort: insert` moves none"),
        ("insert", "flask==3.0.3\nzope==1.0\nrequests==2.31.0\nclick==2.0\n", ""),
    ],
)  # fmt: skip
def test_lines_that_sorting_moves_are_counted(
    project: TemporaryProject, sort: str, after: str, hint: str
) -> None:
    """A block that is not sorted is sorted, and the report says how many other lines move."""
    project.requirements = "zope==1.0\nrequests==2.31.0\nclick==2.0\n"
    setting = {"INVOKE_PIPFLOW_SORT": sort}
    done = project.pipflow("add", "flask", "--no-resolve", environment=setting)
    assert (done.status, project.requirements) == (0, after)
    assert [line[10:] for line in done.stdout.splitlines() if "sort" in line] == [hint] * bool(hint)


def test_block_of_another_order(project: TemporaryProject) -> None:
    """A block that is sorted in another usual order gets its line there, and no other moves."""
    project.requirements = "Zope==1.0\nclick==2.0\nrequests==2.31.0\n"
    done = project.pipflow("add", "flask", "--no-resolve")
    assert project.requirements == "Zope==1.0\nclick==2.0\nflask==3.0.3\nrequests==2.31.0\n"
    assert (done.status, "sort" in done.stdout) == (0, False)


@pytest.mark.parametrize(
    ("image", "step", "release", "hint"),
    [
        ("3.9-alpine", "", {"tags": ["cp39-cp39-manylinux_2_17_x86_64"]},
         "its wheels are for glibc: take a base image with glibc, such as `python:3.9-slim`"),
        ("3.9-slim", "", {"tags": ["cp39-cp39-win_amd64"]},
         "take another base image, or another project"),
        ("3.9-slim", "", {"requires_python": ">=3.12"}, "take a base image with Python >=3.12"),
        ("3.9-slim", " --only-binary :all:", {"wheel": False, "sdist": True},
         "let Dockerfile:3 allow source distributions"),
        ("3.9-slim", " --no-binary :all:", {}, "let Dockerfile:3 allow wheels"),
        ("3.8-slim", "", {"tags": ["cp38-cp38-manylinux_2_99_x86_64"]},
         "take another base image, or another project"),
    ],
)  # fmt: skip
def test_hint_where_no_version_suits(
    project: TemporaryProject,
    index: LoopbackIndex,
    image: str,
    step: str,
    release: dict[str, Any],
    hint: str,
) -> None:
    """Where nothing suits, the hint says what the image needs to accept the newest."""
    index.add("picky", "1.0", **release)
    recipe = dockerfile("3.9").replace("3.9-slim", image).replace("install", f"install{step}")
    project.write("Dockerfile", recipe)
    environment = {"INVOKE_PIPFLOW_PLATFORM": "linux/amd64"}
    done = project.pipflow("add", "picky", environment=environment)
    assert (done.status, done.stderr.splitlines()[-1]) == (1, f"hint: {hint}")
