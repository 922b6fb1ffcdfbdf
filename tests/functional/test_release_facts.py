"""What a report says of the releases that it takes: size, age, and pages about them."""

from __future__ import annotations

from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

FORGE = "https://github.com/shop/flask"


def only_change(project: TemporaryProject, *words: str) -> dict[str, object]:
    (change,) = project.invoke(*words, "--dry-run", "--format", "json").report["changes"]
    assert isinstance(change, dict)
    return change


def test_size_and_age(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A change has the size of the wheel that the image takes, and when it was uploaded."""
    index.add("flask", "1.0", tags=["py3-none-any"], upload_time="2024-05-06T07:08:09Z")
    index.add("flask", "1.0", tags=["cp39-cp39-win_amd64"], padding_bytes=9000)
    index.add("flask", "1.0", wheel=False, sdist=True)
    change = only_change(project, "deps.add", "flask")
    size = change["size_bytes"]
    assert isinstance(size, int)
    assert 0 < size < 9000
    assert change["uploaded"] == "2024-05-06T07:08:09+00:00"
    assert change["urls"] == {}


def test_what_the_index_does_not_say(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Size and time are null where the index does not state them, and for what is removed."""
    index.face = "html"
    index.add("flask", "1.0")
    project.requirements = "django==4.0\n"
    change = only_change(project, "deps.add", "flask")
    assert (change["size_bytes"], change["uploaded"]) == (None, None)
    change = only_change(project, "deps.remove", "django")
    assert (change["size_bytes"], change["uploaded"], change["urls"]) == (None, None, {})


def test_pages_of_the_metadata(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The pages are those that the metadata name, by well-known labels and their older forms."""
    urls = [
        "Home Page, https://flask.example/",
        "Homepage, https://flask.example/home",
        "What's New, https://flask.example/changes?all=1#top",
        "Source_Code, https://forge.example/flask",
        "GitHub, https://github.com/other/flask",
        "Docs, https://flask.example/docs",
        "Release notes, https://flask.example/notes",
        "Sponsor, https://flask.example/sponsor",
    ]
    index.add("flask", "1.0", urls=urls)
    assert only_change(project, "deps.add", "flask")["urls"] == {
        "homepage": "https://flask.example/",
        "source": "https://forge.example/flask",
        "changelog": "https://flask.example/changes?all=1#top",
        "release_notes": "https://flask.example/notes",
        "documentation": "https://flask.example/docs",
    }


def test_pages_are_data(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An address that is no plain one of a web page does not count."""
    urls = [
        "Changelog, javascript:alert(1)",
        "Changelog, file:///etc/passwd",
        "Changelog, https://user:secret@flask.example/",
        "Changelog, https://flask.example/a b",
        "Changelog, https://flask.example/\u202e",
        "Changelog, https://flask.example/" + "a" * 500,
        "Changelog",
    ]
    index.add("flask", "1.0", urls=urls)
    assert only_change(project, "deps.add", "flask")["urls"] == {}


def test_homepage_on_a_forge_is_the_source(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A homepage that is a repository of a known forge is the source, where none is stated."""
    index.add("flask", "1.0", urls=[f"Homepage, {FORGE}"])
    index.add("django", "1.0", urls=[f"Homepage, {FORGE}/wiki"])
    assert only_change(project, "deps.add", "flask")["urls"] == {"homepage": FORGE, "source": FORGE}
    assert only_change(project, "deps.add", "django")["urls"] == {"homepage": f"{FORGE}/wiki"}


def test_page_with_what_differs(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where the metadata of both releases name their tags, a change has the page between them."""
    for version in ("1.0", "2.0"):
        tag = f"{FORGE}/releases/tag/v{version}"
        index.add("flask", version, urls=[f"Source, {FORGE}", f"Changelog, {tag}"])
    project.requirements = "flask==1.0\n"
    urls = only_change(project, "deps.upgrade", "flask")["urls"]
    assert urls == {
        "source": FORGE,
        "changelog": f"{FORGE}/releases/tag/v2.0",
        "compare": f"{FORGE}/compare/v1.0...v2.0",
    }


def test_tags_are_not_guessed(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A page that may be of a branch, of another version or of another repository names no tag."""
    old = f"Changelog, {FORGE}/releases/tag/v1.0"
    new = {
        "2.0": f"Changelog, {FORGE}/tree/2.0",
        "2.1": f"Changelog, {FORGE}/releases/tag/v12.1",
        "2.2": f"Changelog, {FORGE}-fork/releases/tag/v2.2",
        "2.3": "Changelog, https://forge.example/a/b/releases/tag/v2.3",
    }
    index.add("flask", "1.0", urls=[old])
    for version, url in new.items():
        index.add("flask", version, urls=[url])
        project.requirements = "flask==1.0\n"
        urls = only_change(project, "deps.upgrade", f"flask=={version}")["urls"]
        assert urls == {"changelog": url.removeprefix("Changelog, ")}
    index.add("flask", "1.0", urls=[])
    index.add("flask", "3.0", urls=[f"Changelog, {FORGE}/releases/tag/v3.0"])
    urls = only_change(project, "deps.upgrade", "flask")["urls"]
    assert urls == {"changelog": f"{FORGE}/releases/tag/v3.0"}


def test_pages_come_from_the_cache_too(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A second command has the same pages, of metadata that it does not ask for again."""
    index.add("flask", "1.0", urls=["Changes, https://flask.example/changes"])
    first = only_change(project, "deps.add", "flask")
    asked = len(index.requests)
    assert only_change(project, "deps.add", "flask") == first
    again = [request.path for request in index.requests[asked:]]
    assert not any(path.endswith(".metadata") for path in again)


def test_no_resolve_asks_for_no_metadata(project: TemporaryProject, index: LoopbackIndex) -> None:
    """With `--no-resolve` no metadata are looked up, and no pages are known."""
    index.add("flask", "1.0", urls=["Changes, https://flask.example/changes"])
    change = only_change(project, "deps.add", "flask", "--no-resolve")
    assert (change["urls"], change["level"]) == ({}, None)
    assert isinstance(change["size_bytes"], int)
