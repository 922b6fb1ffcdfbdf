"""Choosing: the newest version that suits, and a reason for every version passed over."""

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from pipflow_tasks.resolution import Candidates, Key, View
from pipflow_tasks.resolution.finder import (
    Candidate,
    Choice,
    Rejection,
    Releases,
    summarise,
)
from pipflow_tasks.simple_api import ACTIVE, DistributionFile, ProjectStatus
from pipflow_tasks.target import Target

TARGET = Target.from_python("3.9", platforms=["linux/amd64"], source="Dockerfile:1")
BOTH = Target.from_python("3.9", platforms=["linux/amd64", "linux/arm64"], source="compose.yaml:3")
MUSL = Target.from_python("3.9", platforms=["linux/amd64"], source="Dockerfile:1", libc="musl 1.2")


def wheel(
    version: str,
    tags: str = "py3-none-any",
    *,
    requires_python: str | None = None,
    yanked: str | None = None,
) -> DistributionFile:
    return file_named(
        f"flask-{version}-{tags}.whl", version, requires_python=requires_python, yanked=yanked
    )


def sdist(
    version: str, *, requires_python: str | None = None, yanked: str | None = None
) -> DistributionFile:
    return file_named(
        f"flask-{version}.tar.gz", version, requires_python=requires_python, yanked=yanked
    )


def file_named(
    filename: str, version: str, *, requires_python: str | None, yanked: str | None
) -> DistributionFile:
    return DistributionFile(
        filename=filename,
        url=f"https://example.com/{filename}",
        version=Version(version),
        is_wheel=filename.endswith(".whl"),
        requires_python=None if requires_python is None else SpecifierSet(requires_python),
        yanked=yanked,
    )


class OneProject:
    """A catalog that has these files of any project, and no metadata."""

    def __init__(self, files: Iterable[DistributionFile]) -> None:
        by_version: dict[Version, list[DistributionFile]] = {}
        for file in files:
            by_version.setdefault(file.version, []).append(file)
        self._files = {version: by_version[version] for version in sorted(by_version, reverse=True)}

    def files(self, project: NormalizedName) -> Mapping[Version, Sequence[DistributionFile]]:
        """Return the files, newest version first."""
        return self._files

    def metadata(self, files: Sequence[DistributionFile]) -> None:
        """Return None: it is unknown."""

    def indexes_of(self, project: NormalizedName) -> tuple[str, ...]:
        """Return none: it has no address."""
        return ()

    def status_of(self, project: NormalizedName) -> ProjectStatus:
        """Return that it goes on."""
        return ACTIVE

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Do nothing: everything is there."""

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Do nothing: nothing is there."""


FLASK = Key("flask")


def releases_of(files: Iterable[DistributionFile]) -> Releases:
    return Candidates((View(catalog=OneProject(files), target=TARGET),)).releases(FLASK)


def pick(
    files: Iterable[DistributionFile],
    specifier: str = "",
    *,
    target: Target = TARGET,
    prereleases: bool = False,
    local: str | None = None,
) -> Choice:
    return Candidates((View(catalog=OneProject(files), target=target),)).choose(
        FLASK, SpecifierSet(specifier), prereleases=prereleases, local=local
    )


def picked(
    files: Iterable[DistributionFile], specifier: str = "", *, prereleases: bool = False
) -> str | None:
    candidate = pick(files, specifier, prereleases=prereleases).candidate
    return None if candidate is None else str(candidate.version)


def described(
    candidate: Candidate | Rejection | None,
) -> tuple[str, DistributionFile, bool, str | None]:
    """Tell of a candidate its version, its file, whether it is built, and why it was yanked."""
    assert isinstance(candidate, Candidate)
    return (
        str(candidate.version),
        candidate.files[0],
        bool(candidate.from_source),
        candidate.yanked,
    )


def told(choice: Choice) -> list[tuple[str, str]]:
    return [(str(rejection.version), rejection.reason) for rejection in choice.rejections]


# Which version


def test_newest_version_whatever_the_order() -> None:
    """The newest is taken by PEP 440's order, not by the page's or the alphabet's."""
    choice = pick([wheel("2.10"), wheel("2.9"), sdist("10.0"), wheel("10.0"), wheel("9.0")])

    assert described(choice.candidate) == ("10.0", wheel("10.0"), False, None)
    assert choice.rejections == ()


def test_nothing_to_choose_from() -> None:
    """A project without files has no candidate, and nothing to explain."""
    assert pick([]) == Choice(candidate=None, rejections=())


def test_specifier_bounds_the_choice() -> None:
    """The newest that the specifier admits is taken; the newer ones have their reason."""
    choice = pick([wheel("4.1"), wheel("4.2.16"), wheel("5.0"), wheel("5.1")], ">=4.2,<5")

    assert choice.candidate is not None
    assert choice.candidate.version == Version("4.2.16")
    assert told(choice) == [
        ("5.1", f"does not satisfy {SpecifierSet('>=4.2,<5')}"),
        ("5.0", f"does not satisfy {SpecifierSet('>=4.2,<5')}"),
    ]


@pytest.mark.parametrize(
    ("versions", "specifier", "prereleases", "expected"),
    [
        (["1.0", "2.0rc1"], "", False, "1.0"),
        (["1.0", "2.0rc1"], "", True, "2.0rc1"),
        (["1.0", "2.0.dev1"], "", False, "1.0"),
        (["1.0", "1.0.post1"], "", False, "1.0.post1"),
        (["1.0a1", "1.0rc1"], "", False, "1.0rc1"),
        (["1.0", "2.0rc1", "2.0rc2"], ">=2.0rc1", False, "2.0rc2"),
        (["1.0", "2.0rc1"], "==2.0rc1", False, "2.0rc1"),
        (["1.0", "2.0rc1"], ">=2.0", False, None),
        (["1.0", "2.1rc1"], ">=2.0", False, "2.1rc1"),
        (["1.0", "2.0rc1"], "<2.0", True, "1.0"),
        (["1.0", "2.0rc1"], "!=1.0", False, "2.0rc1"),
    ],
)
def test_prereleases(
    versions: list[str], specifier: str, prereleases: bool, expected: str | None
) -> None:
    """Pre-releases count where they are asked for, or where no final release is left."""
    assert picked(map(wheel, versions), specifier, prereleases=prereleases) == expected


VERSIONS = st.builds(
    "{}.{}{}".format,
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from(["", "", "a1", "rc1", ".dev1", ".post1", "+cpu"]),
)
SPECIFIERS = st.lists(
    st.one_of(
        st.builds("{}{}".format, st.sampled_from([">=", "<=", "!=", "==", "~=", "<", ">"]),
                  VERSIONS.filter(lambda version: "+" not in version)),
        st.builds("=={}.*".format, st.integers(0, 3)),
    ),
    max_size=2,
).map(",".join)  # fmt: skip


@given(st.lists(VERSIONS, unique_by=Version), SPECIFIERS, st.sampled_from([True, None]))
def test_versions_are_those_of_packaging(
    versions: list[str], specifier: str, prereleases: bool | None
) -> None:
    """Where every file suits, the choice is the newest that ``SpecifierSet.filter`` leaves."""
    expected = max(
        SpecifierSet(specifier).filter(map(Version, versions), prereleases=prereleases),
        default=None,
    )

    candidate = pick(map(wheel, versions), specifier, prereleases=bool(prereleases)).candidate

    assert (None if candidate is None else candidate.version) == expected


_VERSIONS = (
    [f"{v}{rest}" for v in ("0.9", "1.0", "1.1", "2.0", "1!0.1") for rest in ("", ".1")]
    + [
        f"{v}{rest}"
        for v in ("1.0", "2.0")
        for rest in (".dev1", "a1", "rc1", "rc1.post1", ".post1")
    ]
    + ["1.0+cpu", "1.0.post1+cpu", "1.0rc1+cpu"]
)
_CLAUSES = [
    f"{operator}{v}"
    for operator in ("==", "!=", "<", "<=", ">", ">=", "~=")
    for v in _VERSIONS
    if operator in {"==", "!="} or "+" not in v
] + [f"{operator}{v}.*" for operator in ("==", "!=") for v in ("1", "1.0", "2", "1!0")]


@pytest.mark.parametrize("clause", _CLAUSES)
def test_allowed_are_those_that_a_specifier_contains(clause: str) -> None:
    """Looking for the place where they begin or end finds what looking at each finds (PEP 440)."""
    releases = releases_of(map(wheel, _VERSIONS))
    specifier = SpecifierSet(clause)
    contained = [v for v in releases.all if specifier.contains(v, prereleases=True)]
    assert list(releases.among(releases.allowed(specifier))) == contained


def test_prerelease_is_taken_where_no_final_release_suits() -> None:
    """A final release that the image can't install does not keep the pre-releases out."""
    assert picked([wheel("1.0", requires_python="<3"), wheel("2.0rc1")]) == "2.0rc1"


def test_local_label_is_kept() -> None:
    """With a label, only versions with this label count, and the others have their reason."""
    choice = pick([wheel("2.1"), wheel("2.1+cu118"), wheel("2.0+cpu")], local="cpu")

    assert choice.candidate is not None
    assert choice.candidate.version == Version("2.0+cpu")
    assert told(choice) == [("2.1+cu118", "is not a +cpu build"), ("2.1", "is not a +cpu build")]


def test_without_a_label_any_build_counts() -> None:
    """A local version is newer than the same version without a label (PEP 440)."""
    assert picked([wheel("2.1"), wheel("2.1+cpu")]) == "2.1+cpu"
    assert picked([wheel("2.1"), wheel("2.1+cpu")], "==2.1") == "2.1+cpu"


# Which file


def test_requires_python_is_compared_with_the_image() -> None:
    """A version for other Pythons is passed over, and the reason says which and who says so."""
    choice = pick(
        [wheel("3.0", requires_python=">=3.10"), wheel("2.0", requires_python=">=3.6,<4")]
    )

    assert choice.candidate is not None
    assert choice.candidate.version == Version("2.0")
    assert told(choice) == [("3.0", "needs Python >=3.10, the image has 3.9 (Dockerfile:1)")]


def test_requires_python_counts_for_each_file() -> None:
    """Of one version's files, those for this Python count."""
    for_old = wheel("2.0", "cp39-cp39-manylinux2014_x86_64", requires_python="<3.10")
    for_new = wheel("2.0", requires_python=">=3.10")

    candidate = pick([for_new, for_old]).candidate

    assert candidate is not None
    assert candidate.files[0] == for_old


def test_patch_release_counts_for_requires_python() -> None:
    """``3.9.0`` is exactly that; ``3.9`` is its last patch release."""
    files = [wheel("2.0", requires_python="!=3.9.0"), wheel("1.0")]
    first = Target.from_python("3.9.0", platforms=["linux/amd64"], source="Dockerfile:1")

    assert picked(files) == "2.0"
    assert [str(r.version) for r in pick(files, target=first).rejections] == ["2.0"]


@pytest.mark.parametrize(
    ("tags", "is_taken"),
    [
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("py39-none-any", True),
        ("cp39-cp39-manylinux2014_x86_64", True),
        ("cp36-abi3-manylinux1_x86_64", True),
        ("cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("py2-none-any", False),
        ("py310-none-any", False),
        ("cp310-cp310-manylinux2014_x86_64", False),
        ("cp310-abi3-manylinux2014_x86_64", False),
        ("cp39-cp39-manylinux_2_99_x86_64", False),
        ("cp39-cp39-manylinux2014_aarch64", False),
        ("cp39-cp39-musllinux_1_2_x86_64", False),
        ("cp39-cp39-macosx_11_0_arm64", False),
        ("cp39-cp39-win_amd64", False),
        ("pp39-pypy39_pp73-manylinux2014_x86_64", False),
    ],
)
def test_tags_decide_whether_a_wheel_suits(tags: str, is_taken: bool) -> None:
    """Wheels for another Python, platform or libc do not suit, and an older version is taken."""
    assert picked([wheel("2.0", tags), wheel("1.0")]) == ("2.0" if is_taken else "1.0")


def test_best_wheel_is_taken() -> None:
    """Of the wheels that suit, the most specific is taken, as pip ranks them."""
    best = wheel("2.0", "cp39-cp39-manylinux_2_28_x86_64")
    files = [
        sdist("2.0"),
        wheel("2.0"),
        wheel("2.0", "cp36-abi3-manylinux2014_x86_64"),
        best,
        wheel("2.0", "cp39-cp39-manylinux2014_x86_64"),
        wheel("2.0", "cp39-cp39-manylinux_2_28_aarch64"),
    ]

    candidate = pick(files).candidate

    assert described(candidate) == ("2.0", best, False, None)


def test_sdist_where_no_wheel_suits() -> None:
    """A version that only an sdist serves is taken, and said to be built from source."""
    foreign = wheel("2.0", "cp39-cp39-manylinux2014_x86_64")

    candidate = pick([foreign, sdist("2.0"), wheel("1.0")], target=MUSL).candidate

    assert described(candidate) == ("2.0", sdist("2.0"), True, None)


def test_no_file_suits() -> None:
    """Without wheel or sdist for the target the version is passed over, and the target named."""
    choice = pick([wheel("2.0", "cp39-cp39-win_amd64"), wheel("1.0")])

    assert told(choice) == [("2.0", f"has no wheel for {TARGET} and no source distribution")]
    assert "python 3.9" in choice.rejections[0].reason


def test_each_platform_may_have_its_own_wheel() -> None:
    """A version suits two platforms when each finds a wheel, its own or a common one."""
    amd = wheel("2.0", "cp39-cp39-manylinux2014_x86_64")
    arm = wheel("2.0", "cp39-cp39-manylinux2014_aarch64")

    candidate = pick([amd, arm, sdist("2.0")], target=BOTH).candidate

    assert candidate is not None
    assert (candidate.version, candidate.from_source) == (Version("2.0"), "")


def test_every_platform_has_to_be_served() -> None:
    """A platform without a wheel builds the sdist; without an sdist the version does not suit."""
    amd = wheel("2.0", "cp39-cp39-manylinux2014_x86_64")

    with_sdist = pick([amd, sdist("2.0")], target=BOTH).candidate
    without = pick([amd, wheel("1.0")], target=BOTH)

    assert with_sdist is not None
    assert with_sdist.from_source
    assert [str(rejection.version) for rejection in without.rejections] == ["2.0"]
    assert "linux/arm64" in without.rejections[0].reason
    assert "linux/amd64" not in without.rejections[0].reason


# Yanked


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("", "1.0"),
        (">=1.0", "1.0"),
        ("==2.*", None),
        (">=2.0", None),
        ("==2.0", "2.0"),
        ("===2.0", "2.0"),
        ("==2.0,>=1", "2.0"),
        ("~=2.0", None),
    ],
)
def test_yanked_version_is_for_those_who_name_it(specifier: str, expected: str | None) -> None:
    """A yanked release is taken only where ``==`` or ``===`` names it (PEP 592)."""
    assert picked([wheel("2.0", yanked="broken"), wheel("1.0")], specifier) == expected


def test_yanked_reason_is_told() -> None:
    """The reason of the yank goes with the rejection, or with the candidate."""
    files = [wheel("3.0", yanked=""), wheel("2.0", yanked="broken"), wheel("1.0")]

    named = pick(files, "==2.0").candidate

    assert told(pick(files)) == [("3.0", "was yanked"), ("2.0", "was yanked: broken")]
    assert named is not None
    assert named.yanked == "broken"


def test_yanked_file_of_a_version_that_is_not() -> None:
    """Where some files of a version were yanked, the others serve it, and it is not yanked."""
    candidate = pick([wheel("2.0", yanked="bad wheel"), sdist("2.0")]).candidate

    assert described(candidate) == ("2.0", sdist("2.0"), True, None)


def test_newest_counts_final_releases_that_are_not_yanked() -> None:
    """The newest asks nothing of the target, and leaves pre-releases and yanked ones out."""
    files = [
        wheel("4.0rc1"),
        wheel("3.0", yanked=""),
        wheel("2.0", "cp39-cp39-win_amd64"),
        wheel("1.0"),
    ]

    assert releases_of(files).newest(SpecifierSet()) == Version("2.0")
    assert releases_of([wheel("4.0rc1")]).newest(SpecifierSet()) is None
    assert releases_of([]).newest(SpecifierSet()) is None


# Reasons


def test_rejections_are_newest_first() -> None:
    """Rejections are told newest first, also where pre-releases were looked at last."""
    choice = pick(map(wheel, ["1.0", "1.5rc1", "2.0", "2.1rc1"]), ">=9")

    assert [str(rejection.version) for rejection in choice.rejections] == [
        "2.1rc1",
        "2.0",
        "1.5rc1",
        "1.0",
    ]


def test_examine_tells_of_one_version() -> None:
    """One version is either a candidate or rejected with its reason."""
    releases = releases_of([wheel("2.0")])
    suits = releases.examine(Version("2.0"), SpecifierSet(">=1"))
    does_not = releases.examine(Version("2.0"), SpecifierSet("<2"))

    assert described(suits) == ("2.0", wheel("2.0"), False, None)
    assert does_not == Rejection(version=Version("2.0"), reason="does not satisfy <2")


def rejections(*reasons: str) -> list[Rejection]:
    """Give one rejection for each reason, versions falling from 100 on."""
    return [
        Rejection(version=Version(str(100 - number)), reason=reason)
        for number, reason in enumerate(reasons)
    ]


def test_summary_joins_neighbours() -> None:
    """Neighbours with the same reason are one line: from the oldest to the newest, and how many."""
    assert summarise(rejections("is new", "is bad", "is bad", "is bad", "is new")) == (
        "100 is new",
        "97 to 99 (3 versions): are bad",
        "96 is new",
    )
    assert summarise([]) == ()


def test_summary_is_short() -> None:
    """After six lines the rest is counted."""
    reasons = [f"reason {number}" for number in range(6)]

    assert len(summarise(rejections(*reasons))) == 6
    assert summarise(rejections("a", "a", *reasons, "b", "b")) == (
        "99 to 100 (2 versions): a",
        *(f"{98 - number} reason {number}" for number in range(5)),
        "... and 3 older versions",
    )


def test_summary_of_one_more_version_is_singular() -> None:
    """One version that is left over is one version."""
    reasons = [f"reason {number}" for number in range(7)]

    assert summarise(rejections(*reasons))[-1] == "... and 1 older version"
