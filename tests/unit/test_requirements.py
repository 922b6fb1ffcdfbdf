"""Requirements files: what is read, what every edit keeps, and what pip reads of the same file."""

import codecs
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip._internal.exceptions import PipError
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_editable, install_req_from_line
from pip._internal.req.req_file import ParsedLine, RequirementsFileParser, get_line_parser
from tools.edits import with_pin, with_requirement

from pipflow_tasks.errors import RequirementsError, redact
from pipflow_tasks.requirements import (
    Addition,
    Kind,
    Line,
    Pin,
    RequirementsFile,
    change_via,
    expand_variables,
    split_requirements,
    write_via,
)
from pipflow_tasks.requirements.block import find_order

GIT = "git+https://example.com/repository.git"
WHEEL = "Flask_Login-0.6.3-py3-none-any.whl"


def read(text: str) -> RequirementsFile:
    return RequirementsFile.from_bytes(text.encode())


def read_line(text: str) -> Line:
    (line,) = read(text).lines
    return line


def written(document: RequirementsFile) -> str:
    return document.to_bytes().decode()


def pinned(text: str, version: str, name: str = "flask") -> str:
    """Give the file with the one line of a project pinned to a version."""
    document = read(text)
    (line,) = document.find(name)
    return written(with_pin(document, line, Version(version)))


def added(text: str, *requirements: str, **options: Any) -> str:
    document = read(text)
    for requirement in requirements:
        document = with_requirement(document, Requirement(requirement), **options)
    return written(document)


def removed(text: str, *names: str) -> str:
    document = read(text)
    return written(document.without([line for name in names for line in document.find(name)]))


# Reading


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("", None, None),
        ("\n", Kind.BLANK, None),
        (" \t\n", Kind.BLANK, None),
        ("# a comment\n", Kind.COMMENT, None),
        ("    # via flask\n", Kind.COMMENT, None),
        ("flask\n", Kind.REQUIREMENT, "flask"),
        ("Flask_SQLAlchemy==3.1.1\n", Kind.REQUIREMENT, "flask-sqlalchemy"),
        ("  flask>=2,<4 ; python_version < '3.9'\n", Kind.REQUIREMENT, "flask"),
        ("flask (==2.0.1)\n", Kind.REQUIREMENT, "flask"),
        ("flask===2.0.1\n", Kind.REQUIREMENT, "flask"),
        ("requests [socks,security] == 2.31.0\n", Kind.REQUIREMENT, "requests"),
        ("zope.interface==6.1\n", Kind.REQUIREMENT, "zope-interface"),
        ("flask==${FLASK_VERSION}\n", Kind.REQUIREMENT, "flask"),
        ("flask==2.0.1;sys_platform=='a/b'\n", Kind.REQUIREMENT, "flask"),
        ("flask @ https://example.com/flask.zip\n", Kind.REQUIREMENT, "flask"),
        (f"flask@{GIT}\n", Kind.REQUIREMENT, "flask"),
        (f"{GIT}@v1#egg=Flask_Login&subdirectory=src\n", Kind.REFERENCE, "flask-login"),
        (f"{GIT}#subdirectory=src&egg=flask[async]\n", Kind.REFERENCE, "flask"),
        ("https://example.com/archive.zip\n", Kind.REFERENCE, None),
        ("HTTPS://example.com/archive.zip\n", Kind.REFERENCE, None),
        (f"https://example.com/{WHEEL}#sha256=ab\n", Kind.REFERENCE, "flask-login"),
        (f"{WHEEL}\n", Kind.REFERENCE, "flask-login"),
        (f"wheels/{WHEEL} ; python_version < '3.9'\n", Kind.REFERENCE, "flask-login"),
        (f"file:///wheels/{WHEEL}\n", Kind.REFERENCE, "flask-login"),
        ("./vendored\n", Kind.REFERENCE, None),
        ("../vendored[extra]\n", Kind.REFERENCE, None),
        (".\n", Kind.REFERENCE, None),
        ("vendored\\package\n", Kind.REFERENCE, None),
        ("flask-2.0.1.tar.gz\n", Kind.REFERENCE, None),
        ("-e .[dev]\n", Kind.EDITABLE, None),
        (f"-e {GIT}#egg=flask\n", Kind.EDITABLE, "flask"),
        (f"--editable={GIT}#egg=flask\n", Kind.EDITABLE, "flask"),
        ("-r base.txt\n", Kind.OPTION, None),
        ("-rbase.txt\n", Kind.OPTION, None),
        ("--constraint constraints.txt\n", Kind.OPTION, None),
        ("--pre\n", Kind.OPTION, None),
        ("flask=2.0.1\n", Kind.UNREADABLE, None),
        ("flask==2.0.1#no blank before\n", Kind.UNREADABLE, None),
        ("two words\n", Kind.UNREADABLE, None),
        ("flask==2.0.1 --no-such-option\n", Kind.UNREADABLE, None),
        ("--index-url\n", Kind.UNREADABLE, None),
        ("--index-url 'unbalanced\n", Kind.UNREADABLE, None),
        ("<<<<<<< HEAD\n", Kind.UNREADABLE, None),
        ("\ufffdflask\n", Kind.UNREADABLE, None),
    ],
)
def test_kind_and_name(text: str, kind: Kind | None, name: str | None) -> None:
    """Every line has a kind, and the canonical project name if it names a project."""
    lines = read(text).lines

    assert [(line.kind, line.name) for line in lines] == ([] if kind is None else [(kind, name)])


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("flask==2.0.1", "2.0.1"),
        ("flask == 2.0.1", "2.0.1"),
        ("flask(==2.0.1)", "2.0.1"),
        ("flask==1!2.0rc1+local.1", "1!2.0rc1+local.1"),
        ("flask==2.0.1 ; python_version < '3.9' --hash=sha256:ab", "2.0.1"),
        ("flask", None),
        ("flask==2.*", None),
        ("flask===2.0.1", None),
        ("flask~=2.0.1", None),
        ("flask<=2.0.1", None),
        ("flask==2.0.1,!=2.0.2", None),
        ("flask==2.0.1,==2.0.1", None),
        ("flask==${VERSION}", None),
        ("flask @ https://example.com/flask-2.0.1.zip", None),
        ("flask==2.0.1-dangling-", None),
    ],
)
def test_pin_is_a_single_exact_clause(text: str, pin: str | None) -> None:
    """A pin is a single ``==`` without wildcard, and nothing else."""
    assert read_line(text).pin == (None if pin is None else Version(pin))


def test_two_equal_clauses_are_no_pin() -> None:
    """Two clauses are no pin, even if they are equal."""
    assert read_line("flask==2.0.1,<3").pin is None


@pytest.mark.parametrize(
    ("text", "content", "comment"),
    [
        ("flask==2.0.1  # pinned # twice\n", "flask==2.0.1", "# pinned # twice"),
        ("flask==2.0.1\t#pinned\n", "flask==2.0.1", "#pinned"),
        ("#flask==2.0.1\n", "", "#flask==2.0.1"),
        (f"{GIT}#egg=flask # why\n", f"{GIT}#egg=flask", "# why"),
        ("flask \\\n  ==2.0.1 # why\n", "flask   ==2.0.1", "# why"),
        ("flask==2.0.1 \\\n# why\n", "flask==2.0.1", "# why"),
    ],
)
def test_comment_begins_after_a_space(text: str, content: str, comment: str) -> None:
    """A comment begins at the start or after whitespace; pip reads the text before it."""
    line = read_line(text)

    assert (line.content, line.comment) == (content, comment)


def test_continued_lines_are_one_line() -> None:
    """A line that ends in a backslash is continued, a comment is not; numbers count all lines."""
    document = read(
        "# one \\\nflask==2.0.1 \\\n    --hash=sha256:ab \\\r\n    --hash=sha512:cd\n\nx\n"
    )

    assert [(line.number, line.content) for line in document.lines] == [
        (1, ""),
        (2, "flask==2.0.1     --hash=sha256:ab     --hash=sha512:cd"),
        (5, ""),
        (6, "x"),
    ]


def test_continuation_may_cut_a_word() -> None:
    """Continued lines are joined with nothing between, as pip joins them."""
    line = read_line("fl\\\nask=\\\n=2.0\\\n.1\n")

    assert (line.name, line.pin) == ("flask", Version("2.0.1"))


@pytest.mark.parametrize("text", ["flask==2.0.1 \\", "flask==2.0.1 \\\n", "flask==2.0.1 \\\n\\"])
def test_backslash_at_the_end_of_the_file(text: str) -> None:
    """A backslash at the end of the file ends its line."""
    document = read(text)

    assert [line.pin for line in document.lines] == [Version("2.0.1")]
    assert written(document) == text


@pytest.mark.parametrize(
    "ending",
    ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"],
)
def test_every_line_end_that_pip_knows(ending: str) -> None:
    """Lines end where ``str.splitlines`` ends them, and all of them are counted."""
    document = read(f"flask==2.0.1{ending}# why{ending}redis==5.0.1")

    assert [(line.number, line.kind, line.pin) for line in document.lines] == [
        (1, Kind.REQUIREMENT, Version("2.0.1")),
        (2, Kind.COMMENT, None),
        (3, Kind.REQUIREMENT, Version("5.0.1")),
    ]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_mark_tells_the_encoding(mark: bytes, encoding: str) -> None:
    """A byte order mark is no part of the first line, and edits keep mark and encoding."""
    document = RequirementsFile.from_bytes(mark + "flask==2.0.1  # für\n".encode(encoding))
    (line,) = document.lines

    edited = with_requirement(with_pin(document, line, Version("3.0")), Requirement("a==1"))

    assert (line.name, line.comment) == ("flask", "# für")
    assert edited.to_bytes() == mark + "a==1\nflask==3.0    # für\n".encode(encoding)


def test_options_have_long_names_in_order() -> None:
    """Options have their long names and their values; the value of a flag is empty."""
    document = read(
        "-i https://example.com/simple --extra-index-url 'https://example.com/a b'\n"
        "--pypi-url=https://example.com/other\n"
        "--pre\n"
        "flask==2.0.1 --hash=sha256:ab --hash sha512:cd\n"
    )

    assert [line.options for line in document.lines] == [
        (
            ("--index-url", "https://example.com/simple"),
            ("--extra-index-url", "https://example.com/a b"),
        ),
        (("--index-url", "https://example.com/other"),),
        (("--pre", ""),),
        (("--hash", "sha256:ab"), ("--hash", "sha512:cd")),
    ]
    assert document.lines[3].option_values("--hash") == ("sha256:ab", "sha512:cd")
    assert document.lines[3].option_values("--index-url") == ()


def test_requirement_tells_extras_and_marker() -> None:
    """A requirement line holds what PEP 508 reads: extras, specifier, marker, URL."""
    line = read_line("requests[socks,security]>=2.30,<3; python_version < '3.9'\n")

    assert line.requirement == Requirement(
        "requests[security,socks]<3,>=2.30; python_version < '3.9'"
    )


def test_unreadable_line_tells_its_problem() -> None:
    """A line that is not valid is kept, with its problem in one sentence."""
    document = read("flask=2.0.1\nredis==5.0.1 --no-such-option\nclick==8.1.7\n")

    first, second, third = document.lines

    assert "\n" not in first.problem
    assert first.problem != ""
    assert "--no-such-option" in second.problem
    assert third.problem == ""
    assert [line.name for line in document.requirements] == ["click"]


def test_deep_nesting_is_unreadable() -> None:
    """A line that is nested too deeply for a parser is unreadable like any other."""
    assert read_line(f"flask ; {'(' * 20_000}\n").kind is Kind.UNREADABLE


def test_variables_are_recognised_as_pip_does() -> None:
    """``${NAME}`` in capitals is a variable; anything else with a dollar is text."""
    document = read("flask==${VERSION}\nflask==$VERSION\nflask ; sys_platform == '${lower}'\n")

    assert [line.has_variable for line in document.lines] == [True, False, False]


def test_expand_variables_leaves_the_unknown() -> None:
    """Variables get their values; unknown and empty ones stay as they are, as in pip."""
    text = "https://${USER}:${SECRET}@example.com/${EMPTY}/$USER/${user}"

    expanded = expand_variables(text, {"USER": "me", "EMPTY": "", "user": "no"})

    assert expanded == "https://me:${SECRET}@example.com/${EMPTY}/$USER/${user}"


def test_find_compares_canonical_names() -> None:
    """Names are compared canonically, and all lines of a name are found."""
    document = read(f"Flask_SQLAlchemy==3\n-e {GIT}#egg=flask.sqlalchemy\nflask==2\n")

    assert [line.number for line in document.find("FLASK-sqlalchemy")] == [1, 2]
    assert document.find("sqlalchemy") == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("flask==2.0.1\n<<<<<<< HEAD\nredis==1\n=======\nredis==2\n>>>>>>> other\n", 2),
        ("a==1 \\\n  --hash=sha256:ab\n\n=======\n", 4),
        ("a==1 \\\n>>>>>>> other\n", 2),
        ("||||||| base\r\n", 1),
        ("a\n<<<<<<<", 2),
    ],
)
def test_merge_conflict_is_refused_with_its_line(text: str, number: int) -> None:
    """The first merge-conflict marker is an error that names the file and the line."""
    document = RequirementsFile.from_bytes(text.encode(), path="requirements/dev.txt")

    with pytest.raises(RequirementsError, match="merge conflict") as caught:
        document.require_resolved()

    assert (caught.value.path, caught.value.line) == ("requirements/dev.txt", number)
    assert str(caught.value).startswith(f"requirements/dev.txt:{number}: ")


@pytest.mark.parametrize(
    "text", ["# <<<<<<< HEAD\n", "# =======\n", "a==1 # >>>>>>>\n", "========\n"]
)
def test_what_only_looks_like_a_conflict_is_not(text: str) -> None:
    """A comment may have any characters."""
    read(text).require_resolved()


# Pinning


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("flask==2.0.1", "flask==3.1"),
        ("  Flask [async] == 2.0.1\n", "  Flask [async] == 3.1\n"),
        ("flask(==2.0.1)\n", "flask(==3.1)\n"),
        ("flask==2.0.1;python_version<'3.9'\n", "flask==3.1;python_version<'3.9'\n"),
        (
            'flask == 2.0.1 ; python_version == "2.0.1"\n',
            'flask == 3.1 ; python_version == "2.0.1"\n',
        ),
        ("flask==2.0.1 --hash=sha256:ab\n", "flask==3.1 --hash=sha256:ab\n"),
        (
            "flask==2.0.1 \\\n    --hash=sha256:ab \\\n    --hash=sha512:cd  # why\n",
            "flask==3.1 \\\n    --hash=sha256:ab \\\n    --hash=sha512:cd  # why\n",
        ),
        ("flask \\\r\n  == \\\r\n  2.0.1\r\n", "flask \\\r\n  == \\\r\n  3.1\r\n"),
        ("flask==2.0.1 \\\n# why\n", "flask==3.1 \\\n# why\n"),
        ("a==2.0.1\r\nflask==2.0.1\r\n\r\nb==2.0.1", "a==2.0.1\r\nflask==3.1\r\n\r\nb==2.0.1"),
        ("a==1\rflask==2.0.1\nb==1\r\n", "a==1\rflask==3.1\nb==1\r\n"),
        ("flask\n", "flask==3.1\n"),
        ("flask  # why\n", "flask==3.1  # why\n"),
        ("flask[async]\n", "flask[async]==3.1\n"),
        ("flask [async] >= 2 , < 3 ; extra == 'a'\n", "flask [async]==3.1 ; extra == 'a'\n"),
        ("flask (>=2)\n", "flask==3.1\n"),
        ("flask~=2.0\n", "flask==3.1\n"),
        ("flask==2.*\n", "flask==3.1\n"),
        ("flask===2.0.1\n", "flask==3.1\n"),
        ("flask; python_version < '3.9'\n", "flask==3.1; python_version < '3.9'\n"),
    ],
)
def test_pin_changes_the_version_alone(before: str, after: str) -> None:
    """Quotes, spaces, continuations, hashes and line endings stay when a version moves."""
    assert pinned(before, "3.1") == after


def test_pin_replaces_a_version_cut_in_two() -> None:
    """A version that is continued on the next line is replaced as a whole."""
    assert pinned("flask==2.\\\n0.1  # why\n", "3.1") == "flask==3.1      # why\n"


@pytest.mark.parametrize(
    ("before", "version", "after"),
    [
        ("flask==2.0    # why\n", "2.0.10", "flask==2.0.10 # why\n"),
        ("flask==2.0.10 # why\n", "3.0", "flask==3.0    # why\n"),
        ("flask==2.0  # why\n", "2.0.10", "flask==2.0.10  # why\n"),
        ("flask==2.0 # why\n", "2.0.1", "flask==2.0.1 # why\n"),
        ("flask==2.0\t# why\n", "2.0.10", "flask==2.0.10\t# why\n"),
        ("flask==2.0 ; extra=='a'    # why\n", "2.0.1", "flask==2.0.1 ; extra=='a'  # why\n"),
    ],
)
def test_comment_keeps_its_column(before: str, version: str, after: str) -> None:
    """A comment keeps its column if there are enough spaces before it, else it keeps the spaces."""
    assert pinned(before, version) == after


def test_comment_of_a_locked_pin_keeps_its_spaces() -> None:
    """The comment of a locked pin stays two spaces behind the version, as `lock` writes it."""
    assert pinned("flask==2.0  # via app\n", "2.0.10") == "flask==2.0.10  # via app\n"
    assert pinned("flask==2.0.10  # via app\n", "3") == "flask==3  # via app\n"


def test_pin_moves_the_line_it_is_given() -> None:
    """Of two lines of a project, only the given one moves."""
    document = read("flask==1 ; python_version < '3.9'\nflask==2 ; python_version >= '3.9'\n")

    edited = with_pin(document, document.lines[1], Version("3"))

    assert written(edited) == (
        "flask==1 ; python_version < '3.9'\nflask==3 ; python_version >= '3.9'\n"
    )
    assert written(document).count("==3") == 0


# Adding


GROUPED = """\
--index-url https://example.com/simple

# Web
flask==2.0.1
    # via app
# the ORM
sqlalchemy==2.0.0

## Tests: ##
pytest==8.0
-e .
coverage==7.0
"""


@pytest.mark.parametrize(
    ("before", "requirement", "after"),
    [
        ("", "flask==2", "flask==2\n"),
        ("\n", "flask==2", "\nflask==2\n"),
        ("# Nothing yet\n", "flask==2", "# Nothing yet\nflask==2\n"),
        ("# Nothing yet", "flask==2", "# Nothing yet\nflask==2"),
        ("-r base.txt\n", "flask==2", "-r base.txt\nflask==2\n"),
        ("-e .\r\n", "flask==2", "-e .\r\nflask==2\r\n"),
        ("a==1\nc==1\n", "b==1", "a==1\nb==1\nc==1\n"),
        ("a==1\nc==1", "b==1", "a==1\nb==1\nc==1"),
        ("a==1\nc==1", "d==1", "a==1\nc==1\nd==1"),
        ("c==1\na==1", "b==1", "a==1\nb==1\nc==1"),
        ("a==1\r\nc==1\r\n", "b==1", "a==1\r\nb==1\r\nc==1\r\n"),
        ("a==1\rc==1\r", "b==1", "a==1\rb==1\rc==1\r"),
        ("a==1\nc==1\r\nd==1\r\n", "b==1", "a==1\nb==1\r\nc==1\r\nd==1\r\n"),
        ("a==1 \\\n  --hash=md5:a\nc\n", "b==1", "a==1 \\\n  --hash=md5:a\nb==1\nc\n"),
        ("b==1 \\", "a==1", "a==1\nb==1 \\"),
        ("a==1", 'b[y,x]>=1,<2; extra == "z"', 'a==1\nb[x,y]<2,>=1; extra == "z"'),
    ],
)
def test_added_line(before: str, requirement: str, after: str) -> None:
    """A new line is in order and has the file's line ending; the end of the file stays."""
    assert added(before, requirement) == after


def test_add_after_an_unfinished_line() -> None:
    """A backslash at the end of the file does not continue into the new line."""
    document = read(added("a==1 \\", "b==1"))

    assert [line.pin for line in document.requirements] == [Version("1"), Version("1")]
    assert [line.name for line in document.requirements] == ["a", "b"]


def test_add_sorts_the_first_block_alone() -> None:
    """Headings stay; a comment moves with the line below, an indented one with the line above."""
    before = (
        "# Main\n# really\nzope==1\n    # via flask\n# the web\nFlask==2\ndjango==4\n# no more\n"
        "\n# Rest\nd==1\na==1\n"
    )

    assert added(before, "Babel==2") == (
        "# Main\n# really\nBabel==2\ndjango==4\n# the web\nFlask==2\nzope==1\n    # via flask\n"
        "# no more\n"
        "\n# Rest\nd==1\na==1\n"
    )


def test_add_with_insert_moves_no_other_line() -> None:
    """``insert`` puts the line before the first one that sorts later, and sorts nothing else."""
    before = "# Main\nd==1\n# of b\nb==1\n    # via d\nz==1\na==1\n"

    assert added(before, "c==1", sort="insert") == (
        "# Main\nc==1\nd==1\n# of b\nb==1\n    # via d\nz==1\na==1\n"
    )
    assert added("a==1\n# of c\nc==1\n", "b==1", sort="insert") == "a==1\nb==1\n# of c\nc==1\n"
    assert added("a==1\n    # via x\n", "b==1", sort="insert") == "a==1\n    # via x\nb==1\n"
    assert added("a==1\nb==1\nc==1\n", "b==2", sort="insert") == "a==1\nb==1\nb==2\nc==1\n"


@pytest.mark.parametrize("sort", ["block", "insert"])
@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("Alpha foo-c foobar2 zed", "Foo_Bar", "Alpha Foo_Bar foo-c foobar2 zed"),
        ("a_b a-c B", "a.bb", "a_b a.bb a-c B"),
        ("a-c a_b B", "a.bb", "a-c a.bb a_b B"),
        ("Zope a b", "Aaa", "Aaa Zope a b"),
        ("Zope a c", "b", "Zope a b c"),
        ("foobar foo-c zed", "foo-bb", "foobar foo-bb foo-c zed"),
        ("b", "A", "A b"),
        ("", "b", "b"),
    ],
)
def test_block_keeps_its_order(before: str, line: str, after: str, sort: Any) -> None:
    """A block that is sorted by a usual key gets the new line by that key, and no other moves."""
    text, expected = (
        "".join(f"{name}==1\n" for name in names.split()) for names in (before, after)
    )
    new = with_requirement(read(text), Requirement(f"{line}==1"), sort=sort)
    assert written(new) == expected
    assert new.count_moved_since(read(text)) == 0


@pytest.mark.parametrize(
    ("before", "number"),
    [("b a", 1), ("zed a b", 1), ("d c b a", 3), ("a c b e d", 2), ("a b c", 0), ("", 0)],
)
def test_lines_that_moved_are_counted(before: str, number: int) -> None:
    """The fewest are counted that could have moved; new ones are not."""
    document = read("".join(f"{name}==1\n" for name in before.split()))
    after = with_requirement(document, Requirement("bb==1"))
    assert after.count_moved_since(document) == number


def test_order_is_that_of_canonical_names() -> None:
    """Spelling and case do not matter, and equal names keep their order."""
    before = "Zope==1\nflask_b==2\nFlask-B==1\nflask.A==1\nFLASK==1\n"

    assert added(before, "Flask-C==1") == (
        "FLASK==1\nflask.A==1\nflask_b==2\nFlask-B==1\nFlask-C==1\nZope==1\n"
    )


@pytest.mark.parametrize(
    "end", ["\n", "-e .\n", "./vendored\n", "https://example.com/b.zip\n", "--pre\n", "no sense\n"]
)
def test_block_ends_at_what_is_no_requirement(end: str) -> None:
    """Blank lines, options, editables, paths and bare URLs end a block."""
    assert added(f"c==1\na==1\n{end}d==1\nb==1\n", "bb==1") == (
        f"a==1\nbb==1\nc==1\n{end}d==1\nb==1\n"
    )


def test_direct_reference_is_part_of_a_block() -> None:
    """``name @ url`` is a requirement and is sorted like one."""
    before = "z==1\nm @ https://example.com/m.zip\n"

    assert added(before, "n==1") == "m @ https://example.com/m.zip\nn==1\nz==1\n"


@pytest.mark.parametrize("group", ["Tests", "tests", "Tests:", "## Tests: ##"])
def test_group_picks_the_block(group: str) -> None:
    """A heading is found by its words: case, hashes and the colon do not matter."""
    assert added(GROUPED, "tox==4", group=group) == GROUPED.replace(
        "pytest==8.0\n", "pytest==8.0\ntox==4\n"
    )


def test_group_without_requirements_gets_its_first() -> None:
    """In a block that is only a heading, the new line goes below the heading."""
    assert added("a==1\n\n# Tests\n\n# Docs\n", "b==1", group="Tests") == (
        "a==1\n\n# Tests\nb==1\n\n# Docs\n"
    )


def test_unknown_group_lists_the_headings() -> None:
    """An unknown heading is an error that lists the headings of the file."""
    with pytest.raises(RequirementsError, match='"Documentation"') as caught:
        added(GROUPED, "sphinx==8", group="Documentation")

    assert caught.value.hint == 'the headings are "Web", "Tests"'
    assert caught.value.path == "requirements.txt"


def test_comment_between_requirements_is_no_heading() -> None:
    """Only the comments before a block's first requirement are its headings."""
    assert read(GROUPED).headings() == ("Web", "Tests")


def test_moved_carriage_return_keeps_the_blank_line_below() -> None:
    """With mixed line endings, no line disappears because its neighbours moved."""
    after = read(added("b==1\ra==1\n\nz==1\n", "aa==1"))

    assert [len(block.entries) for block in after.blocks()] == [3, 1]


def test_removal_beside_a_carriage_return_keeps_the_blank_line_below() -> None:
    """With mixed line endings, no line disappears because the line above it was removed."""
    after = read(removed("a==1\rb==1\n\nz==1\n", "b"))

    assert [len(block.entries) for block in after.blocks()] == [1, 1]


# Removing


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("a==1\nb==1\nc==1\n", "b", "a==1\nc==1\n"),
        ("a==1\nb==1\nc==1", "c", "a==1\nb==1"),
        ("a==1\r\nb==1\r\n", "A", "b==1\r\n"),
        ("a==1\n", "a", ""),
        ("a==1", "a", ""),
        ("# Main\na==1\nb==1\n", "a", "# Main\nb==1\n"),
        ("# Main\na==1\n", "a", "# Main\n"),
        ("a==1\n# of b\n# really\nb==1\n    # via a\nc==1\n", "b", "a==1\nc==1\n"),
        ("a==1\n# of b\nb==1\n", "a", "# of b\nb==1\n"),
        ("a==1\nb==1\n# no more\n", "b", "a==1\n# no more\n"),
        ("a==1\nb==1\n# of c\n    # still\nc==1\n", "b", "a==1\n# of c\n    # still\nc==1\n"),
        ("a==1\nb==1\n# of c\n    # still\nc==1\n", "c", "a==1\nb==1\n"),
        ("a==1 \\\n  --hash=sha384:a \\\n  --hash=sha512:b\nb==1\n", "a", "b==1\n"),
        (f"a==1\n-e {GIT}#egg=b\n", "b", "a==1\n"),
        ("b==1; extra=='x'\na\nb==2; extra=='y'\n", "b", "a\n"),
        ("a==1\n\nb==1\n", "b", "a==1\n\n"),
    ],
)
def test_removed_line(before: str, name: str, after: str) -> None:
    """A line is removed with its comments and continuations; the heading of the block stays."""
    assert removed(before, name) == after


def test_remove_of_nothing_changes_nothing() -> None:
    """Removing no lines returns the same document."""
    assert removed(GROUPED) == GROUPED


# Requirements from the command line


def typed(text: str) -> list[Requirement]:
    return [request.requirement for request in split_requirements(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ", []),
        (",", []),
        ("flask", ["flask"]),
        ("flask redis", ["flask", "redis"]),
        ("flask,redis", ["flask", "redis"]),
        ("flask, redis", ["flask", "redis"]),
        ("flask , redis", ["flask", "redis"]),
        ("flask ,redis", ["flask", "redis"]),
        ("flask,, redis", ["flask", "redis"]),
        (",flask redis,", ["flask", "redis"]),
        ("flask\n\tredis\r\n", ["flask", "redis"]),
        ("requests[socks]>=2.30,<3 flask", ["requests[socks]<3,>=2.30", "flask"]),
        ("requests[socks]>=2.30,<3,flask", ["requests[socks]<3,>=2.30", "flask"]),
        ("requests >= 2.30, < 3, flask", ["requests<3,>=2.30", "flask"]),
        ("requests >= 2.30 , < 3 flask == 2.0.1", ["requests<3,>=2.30", "flask==2.0.1"]),
        ("requests >=2.30 <3 flask", None),
        ("requests~=2.30 flask!=2 redis===5", ["requests~=2.30", "flask!=2", "redis===5"]),
        ("requests [socks, security] flask", ["requests[security,socks]", "flask"]),
        ("requests[socks,security],flask", ["requests[security,socks]", "flask"]),
        ("requests (>=2.30, <3) flask", ["requests<3,>=2.30", "flask"]),
        ("flask==2.* redis", ["flask==2.*", "redis"]),
        (
            "flask ; python_version < '3.9' , redis",
            ['flask; python_version < "3.9"', "redis"],
        ),
        (
            'flask;python_version in "3.8, 3.9" and (os_name=="a" or extra=="b"), redis',
            ['flask; python_version in "3.8, 3.9" and (os_name == "a" or extra == "b")', "redis"],
        ),
        ("flask=2", None),
        ("flask==", None),
        ("flask]", None),
        ("./flask", None),
        ("flask --pre", None),
    ],
)
def test_split_requirements(text: str, expected: list[str] | None) -> None:
    """Commas and spaces separate requirements, but not inside a requirement."""
    if expected is None:
        with pytest.raises(RequirementsError):
            split_requirements(text)
    else:
        assert typed(text) == [Requirement(word) for word in expected]


@pytest.mark.parametrize(
    ("text", "word"), [("--help", "--help"), ("-h", "-h"), ("flask --pre", "--pre")]
)
def test_option_among_the_packages_is_refused(text: str, word: str) -> None:
    """A word that begins with a dash is no requirement, and the message names the word."""
    with pytest.raises(RequirementsError, match=f'^"{word}" '):
        split_requirements(text)


@pytest.mark.parametrize(
    "text",
    [
        "flask @ https://me:secret@example.com/flask.zip",
        "https://me:secret@example.com/flask.zip",
        "git+https://me:secret@example.com/flask.git#egg=flask",
        "redis, flask @ https://me:secret@example.com/flask.zip",
    ],
)
def test_typed_address_is_refused_without_its_credentials(text: str) -> None:
    """An address is refused, and the message hides its user and password."""
    with pytest.raises(RequirementsError) as caught:
        split_requirements(text)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@example.com/simple/", "https://****@example.com/simple/"),
        ("a https://token@b.example.com, c", "a https://****@b.example.com, c"),
        ("git+ssh://git@example.com/r.git@v1", "git+ssh://****@example.com/r.git@v1"),
        ("https://me:p@ss:word@example.com", "https://****@example.com"),
        ("https://${USER}:${SECRET}@example.com/", "https://****@example.com/"),
        ("https://a:1@example.com https://b:2@example.com", "https://****@example.com " * 2),
        ("https://example.com/@scope/x", "https://example.com/@scope/x"),
        ("https://me:se,c'r\"et@example.com/", "https://****@example.com/"),
        ("mail me@example.com", "mail me@example.com"),
        ("https://a.test/simple/?a=1&token=b&c=2", "https://a.test/simple/?a=1&token=****&c=2"),
        ("https://a.test/AbCdEf0123456789/simple/", "https://a.test/****/simple/"),
        (
            "https://a.test/flask-2.0.1-py3-none-any.whl",
            "https://a.test/flask-2.0.1-py3-none-any.whl",
        ),
        (
            "--build-arg API_TOKEN=a --build-arg A=b .",
            "--build-arg API_TOKEN=**** --build-arg A=b .",
        ),
        ("--password 'a b' -u me", "--password **** -u me"),
        ("--api-key=a,b x", "--api-key=**** x"),
        ("a TOKEN=${TOKEN} and the token is", "a TOKEN=${TOKEN} and the token is"),
        ("--hash=sha256:abc --keyring x", "--hash=sha256:abc --keyring x"),
        ("see ghp_0123456789abcdefghij there", "see **** there"),
        ("tokenizers==0.14.0 secretstorage===3.3", "tokenizers==0.14.0 secretstorage===3.3"),
    ],
)
def test_redact_hides_credentials(text: str, shown: str) -> None:
    """Secrets are hidden, and nothing else: of addresses, of options, and those with a form."""
    assert redact(text) == shown.strip()


# Properties of any file

FRAGMENTS = [
    "flask", "Zope.Interface", "a_b", "requests[socks, tls]", "==", "==2.0.1", " == ", ">=1", ",<3",
    "~=1.4", "===1", "==1.*", "!=2", "2.0.1", "1!2.0rc1", "+cpu", " ; python_version < '3.9'", ".",
    ';os_name=="a#b"', " ", "  ", "\t", "\\", "\\\n", " \\\r\n    ", "\n", "\n", "\r\n", "\r",
    "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "#", " # why", "# Heading\n", "    # via flask\n",
    "--hash=sha256:ab", " --hash sha512:cd", "-e ", "-r base.txt", "--pre", " @ ", "./path", "$",
    "-i https://me:secret@example.com/simple", "https://example.com/a-1-py3-none-any.whl",
    "git+https://example.com/r.git@v1#egg=q", "${VERSION}", "'", '"', "(", ")", "[", "]",
    "<<<<<<< HEAD\n", "=======\n", "é", "\ud800", "\0",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
MARKS = st.sampled_from(
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ]
)
VERSIONS = st.sampled_from(["1", "2.0.1", "10.11.12", "1!2.0rc1", "2.0.post1", "3.0.dev2", "2+cpu"])
NAMES = st.from_regex(r"[a-zA-Z]([._-]?[a-z0-9]){0,4}", fullmatch=True)
BLANKS = st.sampled_from(["", "", " ", "  ", "\t"])
HASH = "--hash=sha256:ab"
OTHER_LINES = (
    "", "", " ", "# Heading", "# why", "    # via flask", "-e .", "--pre", "./vendored", "no sense",
    "https://example.com/a.zip", "-r base.txt",
)  # fmt: skip
GAPS = st.sampled_from(["", "", " ", "  ", " \\\n    ", "\\\n"])


@given(st.binary())
def test_any_bytes_stay_the_same(data: bytes) -> None:
    """Reading and writing any bytes returns the same bytes."""
    assert RequirementsFile.from_bytes(data).to_bytes() == data


@given(TEXTS, MARKS)
def test_any_text_stays_the_same(text: str, mark: tuple[bytes, str]) -> None:
    """Reading and writing anything like a requirements file returns the same bytes."""
    data = mark[0] + text.encode(mark[1], "surrogatepass")
    document = RequirementsFile.from_bytes(data)

    assert document.to_bytes() == data
    assert [line.number for line in document.lines] == sorted(
        {line.number for line in document.lines}
    )


@st.composite
def requirement_lines(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> str:
    """Make a requirement line without its ending; it may hold continuations."""
    extras = draw(st.sampled_from(["", "", "[x]", " [ x , y-z ]"]))
    version = draw(VERSIONS)
    exact = [f"=={version}", f"=={version}", f"==  {version}", f"(=={version})"]
    specifier = draw(st.sampled_from([*exact, "", ">=1,<3", "~=1.4", "==1.*", "!=1, !=2"]))
    marker = draw(
        st.sampled_from(["", "", "; python_version < '3.9'", ' ;(os_name=="a" or extra == "b")'])
    )
    options = "".join(
        draw(st.sampled_from([" ", "  ", " \\\n    "])) + option
        for option in draw(st.lists(st.sampled_from([HASH, "--hash sha512:cd"]), max_size=2))
    )
    comment = draw(st.sampled_from(["", "", " # why", "    # == 1.0", "\t# why # not"]))
    named = f"{draw(BLANKS)}{draw(names)}{extras}"
    return f"{named}{draw(GAPS)}{specifier}{draw(BLANKS)}{marker}{options}{comment}"


@st.composite
def files(
    draw: st.DrawFn,
    *,
    others: tuple[str, ...] = OTHER_LINES,
    endings: tuple[str, ...] = ("\n", "\r\n", "\r"),
) -> str:
    """Make a plausible file; its line endings are equal, or drawn one by one."""
    requirements = requirement_lines()
    lines = draw(st.lists(st.one_of(requirements, requirements, st.sampled_from(others))))
    text = "\n".join(lines) + draw(st.sampled_from(["\n", "\n", ""]))
    if draw(st.booleans()):
        return text.replace("\n", draw(st.sampled_from(endings)))
    return re.sub("\n", lambda _: draw(st.sampled_from(endings)), text)


@st.composite
def sorted_files(draw: st.DrawFn) -> str:
    """Make a file whose blocks are sorted, each with a heading and comments."""
    lines: list[str] = []
    for names in draw(st.lists(st.lists(NAMES, unique_by=canonicalize_name), max_size=3)):
        lines += draw(st.lists(st.sampled_from(["# Heading", "# more"]), max_size=2))
        for number, name in enumerate(sorted(names, key=canonicalize_name)):
            if number > 0:
                lines += draw(st.lists(st.just("# of the next"), max_size=1))
            lines.append(draw(requirement_lines(st.just(name))))
            lines += draw(st.lists(st.just("    # of the last"), max_size=2))
        lines.append("")
    text = "\n".join(lines) + draw(st.sampled_from(["\n", ""]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))


def closed(text: str) -> str:
    """Return a text with one space in place of those before a comment."""
    return re.sub(r" +(?=#)", " ", text)


def physical(document: RequirementsFile) -> list[str]:
    return [text for line in document.lines for text in line.text.splitlines()]


@given(files(), MARKS)
def test_pin_touches_only_its_span(text: str, mark: tuple[bytes, str]) -> None:
    """Only one line changes, and in it only the version and the spaces before a comment."""
    document = RequirementsFile.from_bytes(mark[0] + text.encode(mark[1]))
    for place, line in enumerate(document.lines):
        if line.kind is not Kind.REQUIREMENT:
            continue
        assert line.requirement is not None

        edited = with_pin(document, line, Version("77!88"))

        assert RequirementsFile.from_bytes(edited.to_bytes()) == edited
        texts = [other.text for other in document.lines]
        assert [other.text for number, other in enumerate(edited.lines) if number != place] == [
            *texts[:place],
            *texts[place + 1 :],
        ]
        moved = edited.lines[place]
        assert moved.requirement is not None
        assert (moved.pin, moved.name, moved.comment) == (Version("77!88"), line.name, line.comment)
        assert (moved.options, moved.requirement.extras) == (line.options, line.requirement.extras)
        assert moved.requirement.marker == line.requirement.marker
        front, _, back = moved.text.partition("77!88")
        if line.pin is None:
            front = front.removesuffix("==")
        assert line.text.startswith(front)
        assert closed(line.text[len(front) :]).endswith(closed(back))
        replaced = closed(line.text[len(front) :]).removesuffix(closed(back))
        bare = re.sub(r"\\(\r\n|\n|\r)", "", replaced).strip()
        if line.pin is not None:
            assert Version(bare) == line.pin
        else:
            assert Requirement(f"x{bare}").specifier == line.requirement.specifier


@given(files(), NAMES)
def test_add_in_place_moves_no_line(text: str, name: str) -> None:
    """``insert`` adds one line and keeps every other where it was."""
    document = read(text)

    after = with_requirement(document, Requirement(f"{name}==77"), sort="insert")

    lines = physical(after)
    lines.remove(f"{name}==77")
    assert lines == physical(document)
    assert read(written(after)) == after


@given(files(), st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4), MARKS)
def test_locked_lines_can_be_removed(
    text: str, pairs: list[tuple[str, str]], mark: tuple[bytes, str]
) -> None:
    """Lines that ``insert`` has added can be removed without a trace, wherever they are."""
    document = RequirementsFile.from_bytes(mark[0] + text.encode(mark[1]))
    assume(any(block.entries for block in document.blocks()))

    locked = document.with_requirements(
        [
            Addition(
                requirement=Requirement(f"{name}==77"),
                comment=write_via(["the-parent"]),
                near=canonicalize_name(near),
                sort="insert",
            )
            for name, near in pairs
        ]
    )

    lines = [line for line in locked.lines if line.via == ("the-parent",)]
    assert [str(line.pin) for line in lines] == ["77"] * len(pairs)
    assert locked.without(lines).to_bytes() == document.to_bytes()


@pytest.mark.parametrize(
    ("comment", "via"),
    [
        ("# via flask", ["flask"]),
        ("#via Flask ,  a.b", ["flask", "a-b"]),
        ("# via flask, rich  # pipflow: <9", ["flask", "rich"]),
        ("# via -r base.in", []),
        ("# via flask and rich", []),
        ("# via flask,", []),
        ("# by way of flask", []),
        ("# see: # via flask", []),
    ],
)
def test_via_is_read(comment: str, via: list[str]) -> None:
    """A ``# via`` comment of a pin names the projects that need it."""
    (line,) = read(f"click==8.1  {comment}\n").lines
    assert list(line.via) == via


@pytest.mark.parametrize(
    ("before", "via", "after"),
    [
        ("a==1  # via b\n", ["c", "d"], "a==2  # via c, d\n"),
        ("a==1   # via b  # keep\n", ["c"], "a==2   # via c  # keep\n"),
        ("a==1  # via b\r\n", [], "a==2\r\n"),
        ("a==1  # via b  # keep", [], "a==2  # keep"),
        ("a==1 \\\n  --hash=sha256:00  # via b\n", ["c"], "a==2 \\\n  --hash=sha256:01  # via c\n"),
    ],
)
def test_via_is_changed(before: str, via: list[str], after: str) -> None:
    """The parents in a ``# via`` comment are replaced or removed; the rest of it stays."""
    document = read(before)
    digests = ["sha256:01"] if "hash" in before else []
    comment = change_via(document.lines[0].comment, via)
    pin = Pin(line=document.lines[0], version=Version("2"), digests=digests, comment=comment)
    assert written(document.with_pins([pin])) == after


@given(files(), NAMES)
def test_sorting_only_permutes_lines(text: str, name: str) -> None:
    """``block`` keeps every line, sorts one block stably, and does not change the others."""
    document = read(text)
    places = [number for number, block in enumerate(document.blocks()) if block.entries]
    assume(places)
    before = document.blocks()[places[0]]

    after = with_requirement(document, Requirement(f"{name}==77"), sort="block")

    assert Counter(physical(after)) == Counter([*physical(document), f"{name}==77"])
    assert len(after.blocks()) == len(document.blocks())
    block = after.blocks()[places[0]]
    spelled = [document.lines[entry.requirement].spelled_name for entry in before.entries]
    order = find_order(spelled)
    names = [after.lines[entry.requirement].spelled_name for entry in block.entries]
    by = order or canonicalize_name
    assert [*map(by, names)] == sorted(map(by, [*spelled, name]))
    stable = before.entries if order else sorted(before.entries, key=lambda entry: entry.name)
    kept = [after.lines[entry.requirement].content for entry in block.entries]
    kept.remove(f"{name}==77")
    assert kept == [document.lines[entry.requirement].content for entry in stable]
    assert [line.text for line in after.lines[: before.body]] == [
        line.text for line in document.lines[: before.body]
    ]
    assert read(written(after)) == after


@given(sorted_files(), NAMES, st.sampled_from(["block", "insert"]))
def test_add_and_remove_give_the_first_bytes(text: str, name: str, sort: str) -> None:
    """In a sorted file, removing an added line restores the bytes from before."""
    assume(not read(text).find(name))

    assert removed(added(text, f"{name}==77", sort=sort), name) == text


@given(files(), st.data())
def test_removal_keeps_the_other_requirements(text: str, data: st.DataObject) -> None:
    """Removing lines removes these lines and comments, and nothing else."""
    document = read(text)
    assume(document.lines)
    gone = data.draw(st.lists(st.sampled_from(document.lines), max_size=2, unique_by=id))

    after = document.without(gone)

    assert [line.content for line in after.lines if line.content] == [
        line.content for line in document.lines if line.content and line not in gone
    ]
    assert not Counter(physical(after)) - Counter(physical(document))
    assert read(written(after)) == after


# The same file, read by pip

PIP_LINES = (
    "", "# why", "    # via flask", "--pre", "-i https://example.com/simple", "--no-index",
    "--extra-index-url=https://example.com/a --extra-index-url https://example.com/b",
    "--trusted-host example.com", "-f 'a b'", "--only-binary :all:", "--prefer-binary",
    f"-e {GIT}#egg=Zope.Interface", f"{GIT}@v1#subdirectory=s&egg=a_b", f"a-b @ {GIT} ",
    "https://example.com/archive.zip", f"https://example.com/{WHEEL}#sha256=ab # why",
    "flask==${PIPFLOW_NO_SUCH_VARIABLE} --hash=sha256:ab",
)  # fmt: skip


@pytest.fixture(scope="module")
def pip_session() -> Iterator[PipSession]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pip's own, of what it carries
        session = PipSession()
    with session:
        yield session


@pytest.fixture
def pip(pip_session: PipSession) -> RequirementsFileParser:
    """Return pip's own reader of requirements files."""
    return RequirementsFileParser(pip_session, get_line_parser(None))


def read_as_pip(pip: RequirementsFileParser, path: Path, data: bytes) -> list[tuple[Any, ...]]:
    path.write_bytes(data)
    return [tell_pips(line) for line in pip.parse(str(path), constraint=False)]


def tell_pips(line: ParsedLine) -> tuple[Any, ...]:
    """Return what pip reads of a line: its number, requirement, hashes and index options."""
    options = line.opts
    hashes = sorted(
        f"{algorithm}:{digest}"
        for algorithm, digests in (options.hashes or {}).items()
        for digest in digests
    )
    indexes = (options.index_url, tuple(options.extra_index_urls or ()), bool(options.no_index))
    if getattr(line, "requirement", None) is None:  # in pip 23 the attribute is missing then
        return (line.lineno, None, hashes, indexes)
    if line.is_editable:
        found = install_req_from_editable(line.requirement)
    elif "${" in line.requirement:  # pip would fail here, as it does when it installs
        return (line.lineno, "a variable", hashes, indexes)
    else:
        found = install_req_from_line(line.requirement)
    name = None if found.req is None else canonicalize_name(found.req.name)
    if found.link is not None:
        return (line.lineno, name, hashes, indexes)
    assert found.req is not None
    return (
        line.lineno,
        name,
        sorted(str(clause) for clause in found.req.specifier),
        sorted(found.extras),
        str(found.markers or ""),
        hashes,
        indexes,
    )


def tell_ours(line: Line) -> tuple[Any, ...]:
    """Return the same of a line as we read it."""
    hashes = sorted(line.option_values("--hash"))
    indexes = (
        next(reversed(line.option_values("--index-url")), None),
        line.option_values("--extra-index-url"),
        ("--no-index", "") in line.options,
    )
    if line.requirement is None or line.requirement.url is not None:
        return (line.number, line.name, hashes, indexes)
    if line.has_variable:
        return (line.number, "a variable", hashes, indexes)
    return (
        line.number,
        line.name,
        sorted(str(clause) for clause in line.requirement.specifier),
        sorted(line.requirement.extras),
        str(line.requirement.marker or ""),
        hashes,
        indexes,
    )


def read_as_we(data: bytes) -> list[tuple[Any, ...]]:
    lines = RequirementsFile.from_bytes(data).lines
    return [tell_ours(line) for line in lines if line.kind not in {Kind.BLANK, Kind.COMMENT}]


@given(data=files(others=PIP_LINES, endings=("\n", "\r\n", "\r", "\x0c", "\x85", "\u2028")))
def test_pip_reads_the_same(
    pip_session: PipSession, tmp_path_factory: pytest.TempPathFactory, data: str
) -> None:
    """Lines, names, specifiers, extras, markers, hashes and indexes are those that pip reads."""
    pip = RequirementsFileParser(pip_session, get_line_parser(None))
    path = tmp_path_factory.getbasetemp() / "generated.txt"
    encoded = codecs.BOM_UTF8 + data.encode()

    assert read_as_we(encoded) == read_as_pip(pip, path, encoded)


@pytest.mark.parametrize(
    "text",
    [
        "flask \\\n# why\nredis",
        "flask==2.0.1 \\",
        "\\flask\\\\\n==1\n",
        "flask==2.0.1\t--hash=sha256:ab --hash=sha256:cd".replace("\t", "  "),
        f"-e {GIT}#egg=a -e {GIT}#egg=b",
        pytest.param(
            f"flask -e {GIT}#egg=b",
            marks=pytest.mark.skipif(
                Version(installed_version("pip")) >= Version("25"),
                reason="pip 25 refuses what older ones read",
            ),
        ),
        "flask==2.0.1;",
        f"./{WHEEL}[async]",
        f"https://example.com/{WHEEL}#egg=other",
        "archive.tar.lz",
        "archive.tlz",
        "FLASK.zip",
        "-i https://example.com/a -i https://example.com/b",
        "--index https://example.com/a",
        "--pypi-url https://example.com/a",
    ],
)
def test_pip_reads_the_same_of_rare_lines(
    text: str, pip: RequirementsFileParser, tmp_path: Path
) -> None:
    """Rare lines are read as pip reads them, too."""
    assert read_as_we(text.encode()) == read_as_pip(pip, tmp_path / "r.txt", text.encode())


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)]
)
def test_pip_reads_the_same_encodings(
    encoding: str, mark: bytes, pip: RequirementsFileParser, tmp_path: Path
) -> None:
    """A byte order mark means the same to pip and to us."""
    data = mark + "flask==2.0.1  # für\r\nredis\r\n".encode(encoding)

    assert [line[:2] for line in read_as_we(data)] == [(1, "flask"), (2, "redis")]
    assert read_as_we(data) == read_as_pip(pip, tmp_path / "r.txt", data)


@pytest.mark.parametrize(
    "text",
    [
        "flask=2.0.1",
        "flask==2.0.1 --no-such-option",
        "--index-url",
        "--index-url 'unbalanced",
        "two words",
        "flask[a",
        "flask; python_version",
        "-xflask",
        "<<<<<<< HEAD",
    ],
)
def test_pip_refuses_what_is_unreadable(
    text: str, pip: RequirementsFileParser, tmp_path: Path
) -> None:
    """A line that is unreadable to us is a line that pip refuses."""
    assert read_line(text).kind is Kind.UNREADABLE
    with pytest.raises((PipError, ValueError)):
        read_as_pip(pip, tmp_path / "r.txt", text.encode())


def test_stray_backslash_joins_no_lines() -> None:
    """If removing a hash would leave a backslash at the end of a line, nothing is edited."""
    data = b"aa==1 \\\n  --hash=sha256:ab \\  --hash=sha256:cd\nbb==1\n"
    document = RequirementsFile.from_bytes(data)
    with pytest.raises(RequirementsError, match="can't be edited"):
        with_pin(document, document.lines[0], Version("2"), digests=["sha256:ef"])


HASH = "--hash=sha256:ab"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("flask>=2,<3", "flask[a,b]==2.3  # new"),
        ("flask", "flask[a,b]==2.3  # new"),
        ("flask \n", "flask[a,b]==2.3  # new \n"),
        ("flask==2.0\r\n", "flask[a,b]==2.3  # new\r\n"),
        ("flask [ c ] == 2.0 ; python_version>'3'\n",
         "flask [a,b,c] == 2.3 ; python_version>'3'  # new\n"),
        ("flask[z, c]==2.0   # old\n", "flask[z, c, a, b]==2.3   # new\n"),
        ("flask[]==2.0\n", "flask[a,b]==2.3  # new\n"),
        ("flask(>=2)\n", "flask[a,b]==2.3  # new\n"),
        ("flask==2.0 \\\n    # old\n", "flask[a,b]==2.3 \\\n    # new\n"),
        (f"flask<3 \\\n  {HASH} \\\n  {HASH}\n", f"flask[a,b]==2.3 \\\n  {HASH}  # new\n"),
        ("flask==2.0 \\", "flask[a,b]==2.3  # new \\"),
    ],
)  # fmt: skip
def test_pin_with_extras_and_a_comment(before: str, after: str) -> None:
    """Version, extras and comment change at once, and are read as they were written."""
    document = read(f"# web\nzope==1\n{before}")
    (line,) = document.find("flask")
    digests = ["sha256:ab"] if line.option_values("--hash") else []
    pin = Pin(
        line=line, version=Version("2.3"), digests=digests, comment="# new", extras=("b", "a")
    )
    edited = document.with_pins([pin])
    assert written(edited) == f"# web\nzope==1\n{after}"
    (changed,) = edited.find("flask")
    assert (str(changed.pin), changed.comment.rstrip()) == ("2.3", "# new")
    assert changed.requirement is not None
    assert {"a", "b"} <= changed.requirement.extras
