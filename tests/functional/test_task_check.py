"""``check``: what breaks the workflow is found where it is, with what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from functional.temporary_project import NO_ADVICE, dockerfile

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject
    from loopback_index import LoopbackIndex

CP39 = ("cp39-cp39-manylinux_2_17_x86_64",)


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex, project: TemporaryProject) -> None:
    index.add("alpha", "1.0")
    index.add("alpha", "2.0", requires_python=">=3.12")
    index.add("alpha", "1.5", yanked="it breaks")
    index.add("beta", "1.0", requires_dist=["alpha<1"])
    index.add("beta", "2.0", requires_dist=["alpha"])
    index.add("fast", "1.0", tags=["cp38-cp38-manylinux_2_17_x86_64"], sdist=True)
    index.add("fast", "2.0", tags=CP39)
    index.add("only", "1.0", tags=["cp38-cp38-manylinux_2_17_x86_64"])
    index.add("label", "1.0+cpu", requires_python=">=3.12")
    index.add("label", "2.0")
    index.add("gamma", "1.0", yanked="")
    index.add("gamma", "2.0")
    index.add("delta", "1.0", requires_dist=["gamma<2"])
    index.add("delta", "0.9", requires_dist=["alpha>=2"])
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    project.environment |= NO_ADVICE


def findings(project: TemporaryProject, *words: str, status: int) -> list[tuple[str, ...]]:
    """Check a project; return severity, place, message and mend of each finding."""
    done = project.invoke("deps.check", "--format", "json", *words)
    assert done.status == status, done.output

    def told(found: dict[str, Any]) -> tuple[str, ...]:
        line = "" if found["line"] is None else f":{found['line']}"
        return found["severity"], f"{found['file']}{line}", found["message"], found["fix"]

    return [told(found) for found in done.report["findings"]]


def test_nothing_to_mend(project: TemporaryProject) -> None:
    """A project in order: status 0, and the report says so."""
    project.requirements = "alpha==1.0\n"
    done = project.invoke("deps.check")
    assert done.status == 0
    assert done.stdout.splitlines()[-1] == "no problems found"


def test_comments_of_other_tools(project: TemporaryProject) -> None:
    """Limits of other tools are named once, with our word for them; beside ours they are silent."""
    lines = "alpha==1.0  # pyup: ignore\nfast==2.0  # pyup: <3\n"
    project.requirements = f"{lines}gamma==2.0  # rq.filter: <3\nlabel==2.0  # pyup: ignore\n"
    done = project.invoke("deps.check")
    assert done.status == 0
    told = "4 comments of other tools do not limit their lines here: alpha, fast, gamma, label"
    assert told in done.stdout
    assert "# pipflow: hold" in done.stdout
    project.requirements = lines.replace("ignore", "ignore  # pipflow: hold")
    (found,) = findings(project, status=0)
    assert found == (
        "warning",
        "requirements.txt:2",
        "`# pyup: <3` is a comment of another tool and does not limit fast here",
        "write `# pipflow: <3` beside it",
    )


@pytest.mark.parametrize(
    ("lines", "status", "expected"),
    [
        (
            "alpha>=1\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "alpha is not pinned: each build takes the newest version",
                    "`pin alpha` pins it",
                )
            ],
        ),
        (
            "alpha==1.5\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "alpha 1.5 was yanked: it breaks",
                    '`upgrade "alpha==1.0"` moves it to 1.0',
                )
            ],
        ),
        (
            "alpha==2.0\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    "alpha 2.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
                    '`upgrade "alpha==1.0"` moves it to 1.0',
                )
            ],
        ),
        (
            "alpha==7\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    "the index has no alpha 7",
                    '`upgrade "alpha==1.0"` moves it to 1.0',
                )
            ],
        ),
        (
            "only==1.0\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    "only 1.0 has no wheel for python 3.9, glibc 2.41 x86_64, pip 23.0 and no "
                    "source distribution",
                    "no version suits",
                )
            ],
        ),
        (
            "fast==1.0\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "fast 1.0 has no wheel for python 3.9, glibc 2.41 x86_64, pip 23.0: the image "
                    "builds it from source",
                    "`upgrade fast` moves it to 2.0",
                )
            ],
        ),
        (
            "alpha==1.0\nAlpha==1.5\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:2",
                    "Alpha==1.5 conflicts with alpha==1.0 (requirements.txt:1)",
                    "remove one of the lines",
                ),
                (
                    "warning",
                    "requirements.txt:2",
                    "Alpha 1.5 was yanked: it breaks",
                    '`upgrade "Alpha==1.0"` moves it to 1.0',
                ),
            ],
        ),
        (
            "alpha==1.0  # pipflow: <1\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "alpha 1.0 is outside of its policy <1",
                    '`upgrade "alpha<1"` moves it inside',
                )
            ],
        ),
        (
            "alpha==1.0  # pipflow: soon\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    'the policy "soon" is neither "hold" nor a specifier',
                    "write `# pipflow: hold`, or a specifier such as `# pipflow: >=4.2,<5`",
                )
            ],
        ),
        (
            "alpha==1.0\nbeta==1.0\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    "the requirements conflict: beta 1.0 needs alpha<1; "
                    "alpha==1.0 is pinned (requirements.txt:1)",
                    "`upgrade beta` moves beta to 2.0, which resolves the conflict",
                )
            ],
        ),
        (
            "alpha==1.0  # via beta\nbeta==2.0\nfast==2.0  # via beta\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt",
                    "the lock is out of date: fast",
                    "run `lock`",
                )
            ],
        ),
        (
            f"beta==2.0 --hash=sha256:{'0' * 64}\n",
            1,
            [
                (
                    "error",
                    "requirements.txt",
                    "where one line has a hash, pip wants one for each transitive dependency, too: "
                    "alpha",
                    "run `lock`, which writes these lines",
                )
            ],
        ),
        (
            "label==1.0+cpu\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    "label 1.0+cpu needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
                    "no version suits",
                )
            ],
        ),
        (
            "gamma==1.0\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "gamma 1.0 was yanked",
                    "`upgrade gamma` moves it to 2.0",
                )
            ],
        ),
        (
            "delta==1.0\ngamma==1.0\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:2",
                    "gamma 1.0 was yanked",
                    "the other requirements keep it from 2.0; `upgrade-all` may move them",
                )
            ],
        ),
        (
            "gamma==1.0  # pipflow: hold\n",
            0,
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "gamma 1.0 was yanked",
                    "take `# pipflow: hold` out of the line, so that it may move",
                )
            ],
        ),
        (
            "alpha==2.0\ndelta==0.9\n",
            1,
            [
                (
                    "error",
                    "requirements.txt:1",
                    "alpha 2.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
                    "the other requirements keep it from 1.0",
                )
            ],
        ),
    ],
)
def test_finds_in_requirements(
    project: TemporaryProject, lines: str, status: int, expected: list[tuple[str, ...]]
) -> None:
    """Each is found at its line; the status is 1 where the image could not be built."""
    project.requirements = lines
    assert expected == findings(project, status=status)


def not_copied(included: str) -> tuple[str, ...]:
    """Return what is found where an included file is not copied into the image."""
    return (
        "warning",
        "Dockerfile:3",
        f"it installs requirements.txt, which includes {included}, and no earlier line copies that",
        f"copy {included} to where requirements.txt looks for it",
    )


@pytest.mark.parametrize(
    ("files", "status", "expected"),
    [
        (
            {"Dockerfile": "FROM python:3.9-slim\nCOPY . .\n"},
            1,
            [
                (
                    "error",
                    "Dockerfile:1",
                    "nothing installs requirements.txt",
                    "add `COPY requirements.txt .` and `RUN pip install -r requirements.txt`; "
                    'if it is installed in another way, set `python: "3.9"`',
                )
            ],
        ),
        (
            {
                "Dockerfile": "FROM python:3.9-slim\nCOPY other.txt .\n"
                "RUN pip install -r other.txt\n",
                "other.txt": "",
            },
            1,
            [
                (
                    "error",
                    "Dockerfile:3",
                    "nothing installs requirements.txt",
                    "it installs other.txt: if that is the file, set `file: other.txt`; "
                    'if it is installed in another way, set `python: "3.9"`',
                )
            ],
        ),
        (
            {
                "Dockerfile": "FROM python:3.9-slim\nWORKDIR /app\nCOPY requirements.txt /srv/\n"
                "RUN pip install -r requirements.txt\n"
            },
            1,
            [
                (
                    "error",
                    "Dockerfile:4",
                    "line 3 copies requirements.txt to /srv/requirements.txt, and line 4 looks for "
                    "/app/requirements.txt",
                    "copy it to /app/requirements.txt, or install `-r /srv/requirements.txt`",
                )
            ],
        ),
        (
            {
                "Dockerfile": "FROM python:3.9-slim\nCOPY requirements.txt more.txt ./\n"
                "RUN pip install -r requirements.txt -r more.txt\n"
            },
            1,
            [
                (
                    "error",
                    "Dockerfile:3",
                    "it installs more.txt, which is not in the build context",
                    "write the path that it has in the build context (.)",
                )
            ],
        ),
        (
            {"Dockerfile": "FROM python:3.9-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"},
            0,
            [
                (
                    "warning",
                    "Dockerfile:2",
                    "the source (.) is copied before line 3 installs the requirements: any change "
                    "to it reinstalls everything",
                    "copy only the requirements before that step, and the source after it",
                )
            ],
        ),
        (
            {".dockerignore": "*\n!*.py\n"},
            1,
            [
                (
                    "error",
                    ".dockerignore:1",
                    "this pattern hides requirements.txt from the builder",
                    "remove it, or write `!requirements.txt` below it",
                )
            ],
        ),
        (
            {".dockerignore": "", "Dockerfile.dockerignore": "*.txt\n"},
            1,
            [
                (
                    "error",
                    "Dockerfile.dockerignore:1",
                    "this pattern hides requirements.txt from the builder",
                    "remove it, or write `!requirements.txt` below it",
                )
            ],
        ),
        (
            {
                "Dockerfile": "FROM python:3.9-slim\nCOPY *.txt .\nCOPY lists lists\n"
                "RUN pip install -r requirements.txt\n",
                ".dockerignore": "# for the test alone\nlists/b*\n",
                "requirements.txt": "-r lists/all.txt\n",
                "lists/all.txt": "-r base.txt\n",
                "lists/base.txt": "alpha==1.0\n",
            },
            1,
            [
                (
                    "error",
                    ".dockerignore:2",
                    "this pattern hides lists/base.txt from the builder",
                    "remove it, or write `!lists/base.txt` below it",
                )
            ],
        ),
        *(
            (
                {
                    "Dockerfile": f"FROM python:3.9-slim\nCOPY {copied} .\n"
                    "RUN pip install -r requirements.txt\n",
                    "requirements.txt": "-r base.txt\n-c lists/c.txt\n",
                    "base.txt": "alpha==1.0\n",
                    "lists/c.txt": "alpha<2\n",
                },
                0,
                list(map(not_copied, included)),
            )
            for copied, included in (
                ("requirements.txt", ["base.txt", "lists/c.txt"]),
                ("*.txt", ["lists/c.txt"]),
                ("requirements.txt lists", ["base.txt"]),
            )
        ),
        (
            {"Dockerfile": "FROM ${BASE}\n"},
            1,
            [
                (
                    "error",
                    "Dockerfile:1",
                    "nothing installs requirements.txt",
                    "add `COPY requirements.txt .` and `RUN pip install -r requirements.txt`",
                ),
                (
                    "error",
                    "Dockerfile:1",
                    "FROM needs the variable `BASE`, which has no value",
                    "write `ARG BASE=<value>` before the first FROM, pass it as a build argument "
                    "in the compose file, or set `python`",
                ),
            ],
        ),
        (
            {"requirements.txt": "alpha==1.0\n<<<<<<< mine\n"},
            1,
            [
                (
                    "error",
                    "requirements.txt:2",
                    "a merge conflict is not resolved",
                    "choose one side, remove the markers, and run the command again",
                )
            ],
        ),
        (
            {"requirements.txt": "-c c.txt\nalpha==1.0\n", "c.txt": "six\nbeta[x]<2\n"},
            1,
            [
                (
                    "error",
                    "c.txt:2",
                    "pip refuses extras in a constraint: beta has some",
                    "write a name and a specifier, such as `flask<3`",
                ),
                not_copied("c.txt"),
            ],
        ),
        (
            {"requirements.txt": "-c c.txt\nalpha==1.0\n", "c.txt": "-e ./here\n"},
            1,
            [
                (
                    "error",
                    "c.txt:1",
                    "pip refuses an editable install as a constraint",
                    "write a name and a specifier, such as `flask<3`",
                ),
                not_copied("c.txt"),
            ],
        ),
        (
            {"requirements.txt": "-c c.txt\nalpha==1.0\n", "c.txt": "--no-such\n"},
            1,
            [
                (
                    "error",
                    "c.txt:1",
                    "pip can't read this line: no such option: --no-such",
                    "write a name and a specifier, such as `flask<3`",
                ),
                not_copied("c.txt"),
            ],
        ),
    ],
)
def test_finds_around_them(
    project: TemporaryProject,
    files: dict[str, str],
    status: int,
    expected: list[tuple[str, ...]],
) -> None:
    """The Dockerfile and its ignore file are checked, also without an index."""
    project.requirements = "alpha==1.0\n"
    for name, text in files.items():
        project.write(name, text)
    assert expected == findings(project, status=status)
    assert expected == findings(project, "--offline", status=status)


@pytest.mark.parametrize(
    "before",
    [
        "COPY . .\n",
        "COPY requirements.txt base.txt ./\nCOPY lists lists\n",
        "COPY *.txt ./\nCOPY lists/*.txt lists/\n",
        "COPY --from=other requirements.txt .\n",
    ],
)
def test_included_files_that_are_copied(project: TemporaryProject, before: str) -> None:
    """What is copied, by name, folder or pattern, or may come from elsewhere, is no finding."""
    project.requirements = "-r base.txt\n-c lists/c.txt\n-c https://example.com/c.txt\n"
    project.write("base.txt", "alpha==1.0\n")
    project.write("lists/c.txt", "alpha<2\n")
    other = "FROM python:3.9-slim AS other\nCOPY requirements.txt .\n"
    step = "RUN pip install -r requirements.txt\n"
    project.write("Dockerfile", f"{other}FROM python:3.9-slim\n{before}{step}")
    found = findings(project, "--offline", status=0)
    assert not [message for *_, message, _ in found if "copies that" in message]


def test_offline_asks_no_index(project: TemporaryProject, index: LoopbackIndex) -> None:
    """``--offline`` sends nothing."""
    project.requirements = "alpha==7\n"
    assert findings(project, "--offline", status=0) == []
    assert index.requests == []


def test_source_that_the_step_needs(project: TemporaryProject) -> None:
    """Where the project itself is installed, its source has to be there before."""
    project.write("pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\n")
    project.write("shop.py", "")
    project.requirements = "alpha==1.0\n"
    text = "FROM python:3.9-slim\nCOPY . /app\nRUN pip install -r /app/requirements.txt -e /app\n"
    project.write("Dockerfile", text)
    assert findings(project, "--offline", status=0) == []


def test_file_that_is_not_there(project: TemporaryProject) -> None:
    """That no build installs it goes without saying."""
    project.requirements = "alpha==1.0\n"
    project.write("docker/Dockerfile", dockerfile("3.9"))
    service = "{build: {context: docker}}"
    project.write("compose.yaml", f"services:\n  a: {service}\n  b: {service}\n")
    found = findings(project, "--offline", "--file", "nope.txt", status=1)
    assert [each[2] for each in found if "nope.txt" in str(each)] == ["there is no such file"]


def test_index_that_fails_is_a_finding(project: TemporaryProject) -> None:
    """An index that can't be asked is told beside what was found without it."""
    project.requirements = "alpha==1.0\nbeta\n"
    project.environment["PIP_INDEX_URL"] = "http://127.0.0.1:1/simple/"
    found = findings(project, status=1)
    assert [finding[:2] for finding in found] == [
        ("error", "None"),
        ("warning", "requirements.txt:2"),
    ]
    assert "the connection was refused" in found[0][2]


def test_text_and_markdown(project: TemporaryProject) -> None:
    """The text names each finding with its mend, errors first, and counts them."""
    project.requirements = "alpha>=1\nbeta==7\n"
    done = project.pipflow("check")
    assert done.stdout.splitlines()[1:] == [
        "error     requirements.txt:2: the index has no beta 7",
        '          fix: `upgrade "beta==2.0"` moves it to 2.0',
        "warning   requirements.txt:1: alpha is not pinned: each build takes the newest version",
        "          fix: `pin alpha` pins it",
        "1 error and 1 warning",
    ]
    done = project.pipflow("check", "--format=markdown")
    assert "- **error** requirements.txt:2: the index has no beta 7  \n  fix: " in done.stdout


def listed(severity: str, line: int, name: str, first: str, fix: str) -> tuple[str, ...]:
    """Return what is found where a file lists a project again."""
    message = f"{name} is already listed: {first} (requirements.txt:1)"
    return severity, f"requirements.txt:{line}", message, fix


REMOVE = "remove one of the lines"
WINDOWS = 'https://example.com/a-1.0-py3-none-win_amd64.whl; platform_system == "Windows"'
LINUX = 'https://example.com/a-1.0-py3-none-linux_x86_64.whl; platform_system == "Linux"'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "alpha==1.0\nalpha[x]\n",
            [listed("warning", 2, "alpha", "alpha==1.0", "write `alpha[x]==1.0` in one line")],
        ),
        (
            "alpha[y]\nalpha[x]==1.0\n",
            [listed("warning", 2, "alpha", "alpha[y]", "write `alpha[x,y]==1.0` in one line")],
        ),
        ("alpha==1.0\nalpha>=1\n", [listed("warning", 2, "alpha", "alpha==1.0", REMOVE)]),
        (
            "alpha==1.0\nalpha[x]>=2\n",
            [
                (
                    "error",
                    "requirements.txt:2",
                    "alpha[x]>=2 conflicts with alpha==1.0 (requirements.txt:1)",
                    REMOVE,
                )
            ],
        ),
        (
            "alpha\nalpha[x]\n",
            [
                (
                    "warning",
                    "requirements.txt:1",
                    "alpha is not pinned: each build takes the newest version",
                    "`pin alpha` pins it",
                ),
                listed("warning", 2, "alpha", "alpha", "write `alpha[x]` in one line"),
            ],
        ),
        (f"{WINDOWS}\n{LINUX}\n", []),
        (f"{WINDOWS}\n{WINDOWS}\n", [listed("warning", 2, "a", WINDOWS, REMOVE)]),
        (
            "alpha==1.0\n  --hash=sha256:00\n\nbeta==1.0\n",
            [
                (
                    "warning",
                    "requirements.txt:2",
                    "this hash belongs to no requirement and is ignored",
                    "remove this line, or end line 1 with a backslash if every requirement has "
                    "hashes",
                )
            ],
        ),
        (
            "https://example.com/a-1.0-py3-none-any.whl; platform\n",
            [
                (
                    "error",
                    "requirements.txt:1",
                    "pip can't read this line: Expected a marker variable or quoted string",
                    "correct it",
                )
            ],
        ),
    ],
)
def test_finds_one_thing_once(
    project: TemporaryProject, lines: str, expected: list[tuple[str, ...]]
) -> None:
    """One fault is one finding, and its fix loses nothing that the lines ask for."""
    project.requirements = lines
    status = int(any(severity == "error" for severity, *_ in expected))
    assert expected == findings(project, "--offline", status=status)


def test_pinned_by_another_file(project: TemporaryProject) -> None:
    """A line is pinned, too, where a constraint or an included file pins its project."""
    step = "COPY *.txt ./\nRUN pip install -r requirements.txt\n"
    project.write("Dockerfile", f"FROM python:3.9-slim\n{step}")
    project.requirements = "-c c.txt\n-r base.txt\nalpha\nbeta\ngamma\n"
    project.write("c.txt", "alpha==1.0\ngamma==1.0; sys_platform == 'win32'\n")
    project.write("base.txt", "beta==2.0\n")
    found = findings(project, "--offline", status=0)
    assert [message for *_, message, _ in found] == [
        "gamma is not pinned: each build takes the newest version"
    ]


@pytest.mark.parametrize(
    ("python", "severity", "message"),
    [
        ("3.7", "warning", "the tasks leave this line alone: "),
        ("3.9", "warning", "pip refuses this line from 24.1 on: "),
        ("3.13", "error", "pip can't read this line: "),
    ],
)
def test_versions_from_before_pep_440(
    project: TemporaryProject, python: str, severity: str, message: str
) -> None:
    """Only a pip that the image can have refuses a line."""
    project.write("Dockerfile", dockerfile(python))
    project.requirements = "alpha==1.0-final-2\n"
    [found] = findings(project, "--offline", status=int(severity == "error"))
    assert found[0] == severity
    assert found[2].startswith(message)


def test_lines_that_no_pip_reads(project: TemporaryProject) -> None:
    """What is no requirement for any pip is an error for every image, a warning in `outdated`."""
    project.write("Dockerfile", dockerfile("3.7"))
    project.requirements = "alpha=1.0\n"
    [found] = findings(project, "--offline", status=1)
    assert found[2].startswith("pip can't read this line: ")
    done = project.invoke("deps.outdated")
    assert done.status == 0
    assert "warning: requirements.txt:1: not a valid line: " in done.stderr


def test_lines_that_contradict_each_other(project: TemporaryProject) -> None:
    """`lock` names both lines, as a conflict and not as versions that are missing."""
    project.requirements = "alpha==1.0\nalpha==1.5\n"
    done = project.invoke("deps.lock")
    assert (done.status, done.stderr.splitlines()) == (
        1,
        [
            "error: the pinned requirements conflict",
            "  alpha==1.0 is pinned (requirements.txt:1)",
            "  alpha==1.5 is pinned (requirements.txt:2)",
            "hint: remove one of the lines",
        ],
    )


def test_file_that_is_installed_if_it_is_there(project: TemporaryProject) -> None:
    """A file that the step looks for before it installs it may be missing."""
    project.requirements = ""
    steps = dockerfile("3.9")
    install = "pip install -r extra/more.txt"
    project.write("Dockerfile", f"{steps}COPY . .\nRUN {install}\n")
    assert (
        "extra/more.txt, which is not in the build context" in project.invoke("deps.check").output
    )
    for test in ("[ -f extra/more.txt ]", "test -e extra/more.txt"):
        guarded = f"if {test}; then {install}; fi"
        project.write("Dockerfile", f"{steps}COPY . .\nRUN {guarded}\n")
        assert "not in the build context" not in project.invoke("deps.check").output


def test_move_that_leads_to_another_conflict(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A move is no fix if another requirement does not allow it; then none is named."""
    for version in ("1.0", "2.0"):
        index.add("core", version)
    index.add("plugin", "1.0", requires_dist=["core<2"])
    index.add("plugin", "2.0", requires_dist=["core<2"])
    index.add("helper", "1.0", requires_dist=["core>=2"])
    project.requirements = "core==1.0\nplugin==1.0\n"
    project.write("Dockerfile", f"{dockerfile('3.9')}RUN pip install helper==1.0\n")
    done = project.invoke("deps.check")
    assert "core==1.0 is pinned (requirements.txt:1)" in done.output
    assert "resolves the conflict" not in done.output
    assert "fix: change Dockerfile:" in done.output
    project.requirements = "core==1.0\n"
    done = project.invoke("deps.check")
    assert "`upgrade core` moves core to 2.0, which resolves the conflict" in done.output
