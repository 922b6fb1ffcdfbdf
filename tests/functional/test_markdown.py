"""A report as Markdown, for a pull request: what moved, what is held and why, nothing else open."""

from __future__ import annotations

import re

from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex
from markdown_it import MarkdownIt

FORGE = "https://github.com/shop/flask"
HEAD = "| package | from | to | level | released | links |"


def report_of(project: TemporaryProject, *words: str) -> str:
    done = project.pipflow(*words, "--format", "markdown")
    assert done.stdout, done.stderr
    return done.stdout


def open_part(report: str) -> str:
    """Return what of a report is not folded."""
    return re.sub(r"<details>.*?</details>", "", report, flags=re.DOTALL)


def test_table_of_what_moved(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Each package has a row: from, to, level, the day of its release, and links."""
    project.stand_in("docker", ENGINE)
    for version in ("1.0", "2.0"):
        tag = f"{FORGE}/releases/tag/v{version}"
        urls = [f"Source, {FORGE}", f"Changelog, {tag}"]
        index.add("flask", version, urls=urls, upload_time="2024-02-29T23:59:59Z")
    index.add("redis", "4.0")
    index.add("redis", "4.1", urls=["Release Notes, https://redis.example/a(b)"], upload_time=None)
    project.requirements = "flask==1.0\nredis==4.0\n"
    report = report_of(project, "upgrade-all")
    assert report.startswith("### upgrade-all\n\n2 packages moved.\nVersions are for python 3.9")
    assert "\nThe image was built.\n" in report
    links = (
        f"[changelog]({FORGE}/releases/tag/v2.0) · [source]({FORGE}) · "
        f"[compare]({FORGE}/compare/v1.0...v2.0)"
    )
    assert (
        f"\n\n{HEAD}\n|---|---|---|---|---|---|\n"
        f"| flask | 1.0 | 2.0 | major | 2024-02-29 | {links} |\n"
        "| redis | 4.0 | 4.1 | minor |  | [changelog](https://redis.example/a%28b%29) |\n"
    ) in report


def test_what_comes_and_goes(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A package that is added, pinned or removed says so in place of a level; so does an extra."""
    index.add("flask", "1.0", requires_dist=["redis; extra == 'cache'"])
    index.add("redis", "4.0")
    project.requirements = "redis\n"
    assert "| flask |  | 1.0 | added | 2021-05-21 |  |\n" in report_of(project, "add", "flask")
    report = report_of(project, "add", "flask[cache]")
    assert "| flask\\[cache\\] | 1.0 | 1.0 | added \\[cache\\] | 2021-05-21 |  |\n" in report
    assert "| redis |  | 4.0 | pinned | 2021-05-21 |  |\n" in report_of(project, "pin")
    report = report_of(project, "remove", "redis", "--dry-run")
    assert "\n1 package to remove.\n" in report
    assert "| redis | 4.0 |  | removed |  |  |\n" in report


def test_dependencies_are_folded(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Locked pins have a table of their own, which is folded, and are counted."""
    index.add("flask", "1.0", requires_dist=["click", "jinja2"])
    index.add("click", "8.0")
    index.add("jinja2", "3.0")
    project.requirements = "flask==1.0\n"
    report = report_of(project, "lock")
    assert HEAD not in open_part(report)
    folded = "<details><summary>2 transitive dependencies</summary>\n\n"
    assert f"{folded}{HEAD}\n|---|---|---|---|---|---|\n| click |  | 8.0 | added |" in report


def test_what_is_held(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What is held, or gets no newest version, is open with its reason; what is left is folded."""
    index.add("flask", "1.0")
    index.add("flask", "1.1")
    index.add("flask", "2.0", requires_python=">=3.12")
    index.add("redis", "4.0")
    index.add("redis", "5.0", requires_python=">=3.12")
    project.requirements = "flask==1.0\nredis==4.0\ngunicorn\n"
    report = report_of(project, "outdated")
    assert "\n1 package can move.\n" in report
    reason = "needs Python \\>=3.12, the image has 3.9 (Dockerfile:1)"
    held = f"**Held back**\n\n- flask 1.1: 2.0 {reason}\n- redis at 4.0: 5.0 {reason}\n"
    assert held in open_part(report)
    left = "<details><summary>1 line left alone</summary>\n\n- `gunicorn` (requirements.txt:3): "
    assert left in report


def test_nothing_for_a_terminal(project: TemporaryProject, index: LoopbackIndex) -> None:
    """No command that builds, uses the image or undoes the change is in a report."""
    project.stand_in("docker", {"version": 0, "compose version": 0, "compose build": 0})
    project.write("compose.yaml", "services:\n  app:\n    build: .\n")
    index.add("flask", "1.0")
    for words in (("--dry-run",), ("--no-rebuild",), ()):
        report = report_of(project, "add", "flask", *words)
        assert not re.search("docker|pipflow|undo|compose up", report), report
        project.requirements = ""


def test_several_files(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where changes are in several files, the table has their places."""
    index.add("flask", "1.0")
    index.add("flask", "1.1")
    index.add("redis", "4.0")
    index.add("redis", "4.1")
    project.write("dev.txt", "-r base.txt\nflask==1.0\n")
    project.write("base.txt", "redis==4.0\n")
    report = report_of(project, "upgrade-all", "--file", "dev.txt", "--no-rebuild")
    assert "| flask | 1.0 | 1.1 | minor | 2021-05-21 |  | dev.txt:2 |\n" in report
    assert "| redis | 4.0 | 4.1 | minor | 2021-05-21 |  | base.txt:1 |\n" in report


def test_failures(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What ended a command is in the report: what, where, why, and what became of the files."""
    index.add("flask", "1.0", requires_dist=["redis<4"])
    index.add("redis", "4.0")
    project.requirements = "redis==4.0\n"
    report = report_of(project, "add", "flask")
    assert report.startswith("### add\n\n**Failed:** flask conflicts with the other requirements\n")
    assert "\n\n- flask 1.0 needs redis\\<4" in report
    assert "\nHint: " in report
    assert "Nothing to change" not in report
    project.stand_in("docker", {"version": 0, "build": 7})
    index.add("flask", "1.0")
    report = report_of(project, "add", "flask")
    assert "**Failed:** the image was not built: `docker build" in report
    assert "\n1 package to add.\n" in report
    assert "\nThe build failed; as before: requirements.txt.\n" in report


def test_foreign_text_is_data(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Reasons of an index, lines and names of files are shown, and are neither markup nor HTML."""
    evil = "<img src=x onerror=y> | [a](https://evil.example) ** @all #1 ` </details>"
    index.add("flask", "1.0", yanked=evil)
    index.add("redis", "4.0")
    index.add("redis", "4.1", urls=["Changelog, https://a.example/)|](x"])
    name = "<b>|`x`.txt"
    project.write(name, f"flask==1.0\nredis==4.0\ngit+https://evil.example/x#egg=y  # {evil}\n")
    project.write("invoke.yaml", 'pipflow:\n  python: "3.9"\n')
    for task in ("check", "upgrade-all"):
        report = report_of(project, task, "--file", name)
        html = MarkdownIt("commonmark").enable("table").render(report)
        assert re.search(r"<(?:img|b)[ >]", html) is None
        assert "evil.example" not in "".join(re.findall(r'href="([^"]*)"', html))
        assert html.count("<details>") == html.count("</details>")
