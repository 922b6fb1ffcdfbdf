"""The policy in a comment is `hold` or a specifier; the text behind it is the user's."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from pipflow_tasks.errors import RequirementsError
from pipflow_tasks.requirements import (
    Line,
    RequirementsFile,
    bounds_pin,
    change_policy,
    read_foreign_policy,
    read_policy,
)


def line_of(text: str, *, path: str = "requirements.txt") -> Line:
    """Return the last line of a file."""
    return RequirementsFile.from_bytes(text.encode(), path=path).lines[-1]


@pytest.mark.parametrize(
    ("comment", "specifier"),
    [
        ("# pipflow: >=4.2,<5", ">=4.2,<5"),
        ("# pipflow: >=4.2, <5", ">=4.2,<5"),
        ("# pipflow: >=4.2,   <5", ">=4.2,<5"),
        ("# pipflow: >=4.2,\t<5", ">=4.2,<5"),
        ("# pipflow:>=4.2,<5", ">=4.2,<5"),
        ("#pipflow: <5", "<5"),
        ("#  pipflow:   <5", "<5"),
        ("# pipflow: ~=4.2", "~=4.2"),
        ("# pipflow: !=4.2.3", "!=4.2.3"),
        ("# pipflow: ==4.2.*", "==4.2.*"),
        ("# pipflow: ==4.2.16", "==4.2.16"),
        ("# pipflow: >=4.2,<5  keep the LTS", ">=4.2,<5"),
        ("# pipflow: >=4.2,<5 <6 is not ready", ">=4.2,<5"),
        ("# pipflow: >=4.2, !=4.3, <5 # why", ">=4.2,!=4.3,<5"),
        ("# keep the LTS  # pipflow: <5", "<5"),
        ("# keep the LTS # pipflow: <5 # really", "<5"),
    ],
)
def test_specifier_ends_at_a_space_without_comma(comment: str, specifier: str) -> None:
    """A specifier set may have spaces after its commas; the next space ends it."""
    policy = line_of(f"django==4.2.16  {comment}\n").policy

    assert policy is not None
    assert (policy.specifier, policy.is_hold) == (SpecifierSet(specifier), False)
    assert SpecifierSet(policy.text) == policy.specifier


@pytest.mark.parametrize("rest", ["", " ", "  until the migration", " # why", "\tby me"])
def test_hold_is_a_word(rest: str) -> None:
    """`hold` freezes a pin, whatever text comes after it."""
    policy = line_of(f"django==4.2.16  # pipflow: hold{rest}\n").policy

    assert policy is not None
    assert (policy.is_hold, policy.text, str(policy.specifier)) == (True, "hold", "")


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "# why",
        "# pipflow",
        "# pipflow is what moves this",
        "# see pipflow: <5",
        "# Pipflow: <5",
        "# pyup: <5",
        "# pipflow : <5",
    ],
)
def test_other_comments_have_no_policy(comment: str) -> None:
    """Only `# pipflow:` begins a policy; other comments are the user's."""
    assert line_of(f"django==4.2.16  {comment}\n").policy is None


@pytest.mark.parametrize(
    ("comment", "shown"),
    [
        ("# pipflow:", '""'),
        ("# pipflow: ", '""'),
        ("# pipflow: 4.2", '"4.2"'),
        ("# pipflow: >= 4.2", '">="'),
        ("# pipflow: >=4.2 ,<5", None),
        ("# pipflow: holds", '"holds"'),
        ("# pipflow: Hold", '"Hold"'),
        ("# pipflow: hold,", '"hold,"'),
        ("# pipflow: hold, <5", '"hold, <5"'),
        ("# pipflow: <five", '"<five"'),
        ("# pipflow: =>4.2", '"=>4.2"'),
        ("# pipflow: ^4.2", '"^4.2"'),
        ("# pipflow: <5, keep the LTS", '"<5, keep"'),
        ("# pipflow: ,", '","'),
    ],
)
def test_malformed_policy_is_an_error_with_its_line(comment: str, shown: str | None) -> None:
    """A malformed policy is an error with its path, its line and its text."""
    line = line_of(f"\n# heading\ndjango==4.2.16  {comment}\n", path="sub/base.txt")

    if shown is None:  # the specifier ends at the space before the comma
        assert line.policy is not None
        assert line.policy.text == ">=4.2"
        return
    with pytest.raises(RequirementsError) as caught:
        _ = line.policy
    assert (caught.value.path, caught.value.line) == ("sub/base.txt", 3)
    assert f"the policy {shown} is neither" in caught.value.message
    assert "# pipflow: hold" in caught.value.hint


def test_policy_behind_hashes_is_read() -> None:
    """A policy may be at the end of the last continued line."""
    line = line_of("a==1 \\\n  --hash=sha256:ab \\\n  --hash=sha256:cd  # pipflow: <2\n")

    assert line.policy is not None
    assert line.policy.text == "<2"


@pytest.mark.parametrize(
    ("specifier", "says_something"),
    [
        ("<5", True),
        ("<=5", True),
        ("~=4.2", True),
        ("!=4.2.3", True),
        ("==4.*", True),
        (">=4.2", False),
        (">4.2", False),
        ("==4.2", False),
        ("===4.2", False),
    ],
)
def test_bound_is_an_upper_one_or_an_exclusion(specifier: str, says_something: bool) -> None:
    """A lower bound or an exact version does not limit where a pin may move."""
    assert bounds_pin(specifier) == says_something


CLAUSES = st.builds(
    "{}{}".format, st.sampled_from([">=", "<=", "<", ">", "!="]), st.sampled_from(["1", "2.0.1"])
)


@given(
    st.lists(CLAUSES, min_size=1, max_size=3),
    st.sampled_from([",", ", ", ",  ", ",\t"]),
    st.sampled_from(["", " keep", "  <1 is old", " # why", "\t"]),
    st.sampled_from(["# ", "#", "# of the web  # "]),
)
def test_any_specifier_is_read_to_its_end(
    clauses: list[str], comma: str, rest: str, before: str
) -> None:
    """The policy is the clauses, without the text that follows them."""
    policy = line_of(f"a==1  {before}pipflow: {comma.join(clauses)}{rest}").policy

    assert policy is not None
    assert policy.specifier == SpecifierSet(",".join(clauses))
    assert policy.text == ",".join(clauses)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_any_comment_is_a_policy_or_an_error_of_this_package(comment: str) -> None:
    """Every comment gives no policy, one that is not empty, or an error of this package."""
    line = line_of(f"a==1  # pipflow:{comment}")
    policy = None
    with contextlib.suppress(RequirementsError):
        policy = line.policy

    assert policy is None or policy.is_hold or policy.specifier


@pytest.mark.parametrize(
    ("comment", "after"),
    [
        ("", "# pipflow: <6"),
        ("# why", "# pipflow: <6  # why"),
        ("#why", "# pipflow: <6  #why"),
        ("# pipflow: <5", "# pipflow: <6"),
        ("#pipflow:<5 keep", "#pipflow:<6 keep"),
        ("# pipflow: >=4, <5  keep, please", "# pipflow: <6  keep, please"),
        ("# web  # pipflow: <5 # why", "# web  # pipflow: <6 # why"),
        ("# via flask", "# via flask  # pipflow: <6"),
        ("# via flask  # pipflow: <5", "# via flask  # pipflow: <6"),
        ("# pipflow:", "# pipflow: <6"),
    ],
)
def test_policy_of_a_comment_changes(comment: str, after: str) -> None:
    """A policy takes the place of another; what a person wrote stays."""
    assert change_policy(comment, "<6") == after
    changed = read_policy(after)
    assert changed is not None
    assert changed.text == "<6"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# pyup: ignore", ("# pyup: ignore", "hold")),
        ("# pyup: >=1.0,<2  ask Ann", ("# pyup: >=1.0,<2", ">=1.0,<2")),
        ("# rq.filter: <2, !=1.4", ("# rq.filter: <2, !=1.4", "<2,!=1.4")),
        ("# why  # Renovate: ignore", ("# Renovate: ignore", "hold")),
        ("# renovate: datasource=pypi", None),
        ("# pyup: update all", None),
        ("# pipflow: <2", None),
        ("# plain", None),
        ("", None),
    ],
)
def test_comments_of_other_tools(comment: str, expected: tuple[str, str] | None) -> None:
    """A limit of another tool is found, with our policy that says the same."""
    assert read_foreign_policy(comment) == expected
