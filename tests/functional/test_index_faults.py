"""An index that fails: status 1, one clear message, no file changed, no secret printed."""

from __future__ import annotations

import json
import socket
from urllib.parse import quote

import pytest
from functional.temporary_project import ENGINE, Finished, TemporaryProject
from loopback_index import JSON_V1, Fault, LoopbackIndex

USER = "ann@example"
SECRET = "s3cret/+word"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "2.0")
    index.add("other", "1.0")
    project.requirements = "lib==1.0\r\nother==1.0"


def require_one_message(done: Finished) -> None:
    """Check that a run failed, with only one sentence and its hints on standard error."""
    assert (done.status, done.stdout) == (1, "")
    sentences = [
        line for line in done.stderr.splitlines() if line and not line.startswith("hint: ")
    ]
    assert len(sentences) == 1, done.stderr
    assert "Traceback" not in done.stderr


def require_no_secret(done: Finished) -> None:
    """Check that neither the user nor the password was printed, encoded or not."""
    for word in (USER, SECRET, quote(USER, safe=""), quote(SECRET, safe="")):
        assert word not in done.output


def with_credentials(url: str, user: str = USER, secret: str = SECRET) -> str:
    """Put credentials into an address."""
    return url.replace("://", f"://{quote(user, safe='')}:{quote(secret, safe='')}@")


FAULTS = {
    "500": (Fault(status=500), "HTTP 500"),
    "503 for a while": (Fault(status=503, retry_after=3600), "HTTP 503"),
    "403": (Fault(status=403), "HTTP 403"),
    "418": (Fault(status=418), "HTTP 418"),
    "half a page": (Fault(half=True), "broke"),
    "reset": (Fault(reset=True), ""),
    "garbage": (Fault(body=b"\x00\xffnot a page"), "can't be used"),
    "json of another shape": (Fault(body=b'{"files": 3}'), "can't be used"),
    "an empty body": (Fault(body=b""), "can't be used"),
    "a login page": (
        Fault(body=b"<html><body>log in", content_type="text/plain"),
        "can't be used",
    ),
    "strange HTML": (Fault(body=b"<![weird[", content_type="text/html"), "its HTML is not valid"),
    "redirects without end": (Fault(location="/simple/lib/"), "redirects"),
}


@pytest.mark.parametrize(
    ("task", "name"),
    [
        *(("upgrade-all", name) for name in FAULTS),
        *(("add", name) for name in ("500", "half a page", "garbage")),
    ],
)
def test_failing_page(
    project: TemporaryProject, index: LoopbackIndex, task: str, name: str
) -> None:
    """Every failure of a page is one message that names the index; nothing is changed."""
    docker = project.stand_in("docker", ENGINE)
    words = ("deps.add", "lib") if task == "add" else (f"deps.{task}",)
    if task == "add":
        project.remove("requirements.txt")
    before = project.contents()
    fault, said = FAULTS[name]
    index.break_project("lib", fault)
    done = project.invoke(*words)
    require_one_message(done)
    assert project.contents() == before
    assert docker.calls == ()
    assert said in done.stderr
    assert index.url in done.stderr


@pytest.mark.parametrize("task", ["upgrade-all", "outdated"])
def test_unknown_project(project: TemporaryProject, index: LoopbackIndex, task: str) -> None:
    """A project that the index does not have is an error, never "up to date"."""
    project.requirements = text = "lib==1.0\nnonsuch==1.0\n"
    done = project.invoke(f"deps.{task}")
    require_one_message(done)
    assert project.requirements == text
    assert 'no project "nonsuch"' in done.stderr
    assert index.url in done.stderr


def test_page_without_files(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A page without installable files is an error, too."""
    index.break_project(
        "lib", Fault(body=b"<!DOCTYPE html><html><body></body></html>", content_type="text/html")
    )
    project.remove("requirements.txt")
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("upgrade-all",), ("outdated",), ("upgrade", "lib")], ids=str)
def test_pinned_project_without_files(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """An empty page of a pinned project is an error that names both, never "nothing to change"."""
    page = b'{"meta": {"api-version": "1.0"}, "name": "lib", "files": []}'
    index.break_project("lib", Fault(body=page, content_type=JSON_V1))
    done = project.invoke(f"deps.{words[0]}", *words[1:])
    require_one_message(done)
    assert f'no file of "lib" that can be installed ({index.url})' in done.stderr
    assert project.requirements == "lib==1.0\r\nother==1.0"


def test_digest_that_is_an_option(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What an index calls a digest does not get into the file unless it is one."""
    digest = f"{'0' * 64} --config-settings=x"
    file = {"filename": "lib-2.0-py3-none-any.whl", "url": "x", "hashes": {"sha256": digest}}
    page = {"meta": {"api-version": "1.0"}, "name": "lib", "files": [file]}
    index.break_project("lib", Fault(body=json.dumps(page).encode(), content_type=JSON_V1))
    text = f"lib==1.0 --hash=sha256:{'1' * 64}\n"
    project.requirements = text
    done = project.invoke("deps.upgrade-all")
    require_one_message(done)
    assert "is no digest" in done.stderr
    assert project.requirements == text


@pytest.mark.parametrize("spoilt", [{"size": "12"}, {"requires-python": 3}, {"hashes": None}])
def test_field_of_another_type(
    project: TemporaryProject, index: LoopbackIndex, spoilt: dict[str, object]
) -> None:
    """A field that a file can do without, and that has another type, is unknown of that file."""
    index.add("other", "1.0")
    files: list[dict[str, object]] = [
        {"filename": f"lib-{version}-py3-none-any.whl", "url": f"lib-{version}", "hashes": {}}
        for version in ("1.0", "2.0", "3.0")
    ]
    files[1] |= spoilt
    page = {"meta": {"api-version": "1.1"}, "name": "lib", "files": files}
    index.break_project("lib", Fault(body=json.dumps(page).encode(), content_type=JSON_V1))
    project.requirements = "lib==1.0\nother==1.0\n"
    done = project.invoke("deps.upgrade-all", "--no-resolve")
    assert (done.status, project.requirements) == (0, "lib==3.0\nother==1.0\n"), done.output
    done = project.invoke("deps.upgrade", "lib==2.0", "--no-resolve", "--format", "json")
    assert (done.status, project.requirements) == (0, "lib==2.0\nother==1.0\n"), done.output


@pytest.mark.parametrize("form", ["text", "markdown", "json", "github"])
@pytest.mark.parametrize("task", ["check", "outdated"])
def test_yank_reason_is_one_line(
    project: TemporaryProject, index: LoopbackIndex, task: str, form: str
) -> None:
    """A reason of an index adds no line, no colour and no direction to a report, and is cut."""
    reason = "bad\nadded     evil 6.6.6\x1b[2J\x9b\u202e\x7f" + "x" * 1000
    index.add("lib", "1.0", yanked=reason)
    index.add("lib", "2.0", yanked=reason)
    project.requirements = "lib==1.0\n"
    done = project.invoke(f"deps.{task}", "--format", form)
    assert "Traceback" not in done.stderr
    assert not any(line.startswith("added") for line in done.output.splitlines())
    assert not set("\x1b\x9b\u202e\x7f") & set(done.output)
    assert "x" * 300 not in done.output
    assert "evil 6.6.6" in done.output


def test_entry_that_is_too_long(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An entry that is too long is skipped, and a warning names the index."""
    index.add("lib", "3.0", requires_python=">=3" + ",>=3" * 300)
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0
    assert project.requirements == "lib==2.0\r\nother==1.0"
    warning = f"warning: 1 entry of the index at {index.url}lib/ skipped: the file name"
    assert done.stderr.startswith(warning)


@pytest.mark.parametrize("token", ["?token=hunter2", "AbCdEf0123456789/"])
def test_tokens_of_addresses_are_not_printed(
    project: TemporaryProject, index: LoopbackIndex, token: str
) -> None:
    """A token in the query or the path of an index address is in no message."""
    address = f"{index.url}{token}"
    done = project.invoke("deps.upgrade-all", environment={"PIP_INDEX_URL": address})
    assert done.status == 1
    assert token.strip("?/").removeprefix("token=") not in done.output


@pytest.mark.parametrize("place", ["path", "query"])
def test_variables_of_addresses_are_not_printed(
    project: TemporaryProject, index: LoopbackIndex, place: str
) -> None:
    """What a variable of an index address holds is in no message: the variable is."""
    end = "${PLACE}/simple/" if place == "path" else "?key=${PLACE}"
    project.requirements = f"--index-url {index.url}{end}\nlib==1.0\n"
    done = project.invoke("deps.upgrade-all", environment={"PLACE": "hunter2"})
    assert done.status == 1
    assert "hunter2" not in done.output
    assert "${PLACE}" in done.output


def test_variables_of_an_address_elsewhere(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What a variable of an index address holds is hidden in the addresses of its files, too."""
    page = {
        "meta": {"api-version": "1.0"},
        "name": "lib",
        "files": [
            {
                "filename": "lib-2.0-py3-none-any.whl",
                "url": "/hunter2/files/lib-2.0-py3-none-any.whl",
                "hashes": {},
                "core-metadata": False,
            }
        ],
    }
    index.break_project("lib", Fault(body=json.dumps(page).encode(), content_type=JSON_V1))
    project.requirements = f"--index-url {index.url.replace('://', '://me:${PLACE}@')}\nlib==1.0\n"
    done = project.invoke("deps.upgrade-all", environment={"PLACE": "hunter2"})
    require_one_message(done)
    assert "hunter2" not in done.output
    assert "${PLACE}/files/lib-2.0-py3-none-any.whl" in done.output


def test_refused_connection(project: TemporaryProject) -> None:
    """If no server listens: status 1, and the message says that the connection was refused."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening, the port refuses
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/simple/"
        before = project.contents()
        done = project.invoke("deps.upgrade-all", environment={"PIP_INDEX_URL": url})
    require_one_message(done)
    assert project.contents() == before
    assert "refused" in done.stderr
    assert url in done.stderr


def test_silence(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A silent index is waited for as long as the setting says."""
    index.break_project("lib", Fault(stall_seconds=600))
    settings = {"INVOKE_PIPFLOW_TIMEOUT_SECONDS": "0.2"}
    done = project.invoke("deps.upgrade", "lib", environment=settings)
    require_one_message(done)
    assert project.requirements == "lib==1.0\r\nother==1.0"
    assert "in time" in done.stderr


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503, retry_after=0, times=1),
        Fault(status=429, retry_after=1, times=1),
        Fault(half=True, times=1),
        Fault(reset=True, times=2),
    ],
)
def test_failure_that_passes(project: TemporaryProject, index: LoopbackIndex, fault: Fault) -> None:
    """A temporary failure does not show in the report."""
    index.break_project("lib", fault)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stderr) == (0, "")
    assert project.requirements == "lib==2.0\r\nother==1.0"


@pytest.mark.parametrize("url", ["127.0.0.1/simple", "nonsense://here/", "http://", "http://[x/"])
def test_address_that_is_none(project: TemporaryProject, url: str) -> None:
    """An invalid index address: status 1, one message."""
    done = project.invoke("deps.upgrade-all", environment={"PIP_INDEX_URL": url})
    require_one_message(done)
    assert project.requirements == "lib==1.0\r\nother==1.0"


@pytest.mark.parametrize("words", [("add", "new"), ("upgrade-all",)], ids=lambda words: words[0])
def test_refused_access(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """401 without or with wrong credentials: status 1, a hint how to give them, none printed."""
    index.credentials = (USER, SECRET)
    index.add("new", "1")
    for url in (index.url, with_credentials(index.url, secret=SECRET[::-1])):
        done = project.invoke(f"deps.{words[0]}", *words[1:], environment={"PIP_INDEX_URL": url})
        require_one_message(done)
        require_no_secret(done)
        assert SECRET[::-1] not in done.output
        assert quote(SECRET[::-1], safe="") not in done.output
        assert "401" in done.stderr
        assert "hint: " in done.stderr
    assert project.requirements == "lib==1.0\r\nother==1.0"


@pytest.mark.parametrize(
    ("place", "form"),
    [
        ("environment", "text"),
        ("setting", "json"),
        ("file", "text"),
        ("variable", "markdown"),
        ("netrc", "text"),
        ("extra index", "json"),
    ],
)
def test_credentials_are_used_and_not_printed(
    project: TemporaryProject, index: LoopbackIndex, place: str, form: str
) -> None:
    """Credentials from every place open the index; neither success nor failure prints them."""
    index.credentials = (USER, SECRET)
    url = with_credentials(index.url)
    environment: dict[str, str] = {}
    head = ""
    match place:
        case "environment":
            environment["PIP_INDEX_URL"] = url
        case "setting":
            environment["INVOKE_PIPFLOW_INDEX_URL"] = url
        case "file":
            head = f"--index-url {url}\n"
        case "variable":
            variables = index.url.replace("://", "://${INDEX_USER}:${INDEX_SECRET}@")
            head = f"--index-url {variables}\n"
            environment["INDEX_USER"] = quote(USER, safe="")
            environment["INDEX_SECRET"] = quote(SECRET, safe="")
        case "netrc":
            netrc = project.home / ".netrc"
            netrc.write_text(f"machine 127.0.0.1 login {USER} password {SECRET}\n")
            netrc.chmod(0o600)
        case _:
            environment["PIP_EXTRA_INDEX_URL"] = url
            environment["PIP_INDEX_URL"] = url
    project.requirements = f"{head}lib==1.0\n"
    done = project.invoke("deps.upgrade-all", "--format", form, environment=environment)
    require_no_secret(done)
    assert (done.status, project.requirements) == (0, f"{head}lib==2.0\n")
    done = project.invoke("deps.add", "nonsuch", environment=environment)
    require_no_secret(done)
    assert (done.status, done.stdout) == (1, "")


def test_files_are_asked_for_with_the_credentials_of_their_host(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Whole addresses in a page get the credentials of its index."""
    index.credentials = (USER, SECRET)
    index.add("source", "1.0", wheel=False, sdist=True, requires_dist=["lib<2"])
    address = index.url.replace("/simple/", "/files/source-1.0.tar.gz")
    page = {"meta": {"api-version": "1.0"}, "files": [{"filename": "source-1.0.tar.gz",
            "url": address, "hashes": {}}]}  # fmt: skip
    index.break_project("source", Fault(body=json.dumps(page).encode(), content_type=JSON_V1))
    project.requirements = "lib==1.0\n"
    environment = {"PIP_INDEX_URL": with_credentials(index.url)}
    done = project.invoke("deps.add", "source", environment=environment)
    require_no_secret(done)
    assert (done.status, project.requirements) == (0, "lib==1.0\nsource==1.0\n")
    assert "unknown" not in done.stderr


def test_credentials_are_not_printed_by_a_failure(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """The error of a failing or unreachable index does not print the credentials."""
    index.break_project("lib", Fault(body=b"garbage"))
    url = with_credentials(index.url)
    for address in (url, with_credentials("http://127.0.0.1:1/simple/"), url.replace("http", "x")):
        done = project.invoke("deps.upgrade-all", environment={"PIP_INDEX_URL": address})
        require_one_message(done)
        require_no_secret(done)


@pytest.mark.parametrize(
    "words",
    [
        ("add", "lib==2.0"),
        ("add", "lib[extra]"),
        ("add", "{line}"),
        ("add", "new @ {url}"),
        ("upgrade", "lib"),
        ("upgrade-all",),
        ("remove", "lib @ {url}"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("line", ["lib @ {url}", "-e git+{url}#egg=lib", "lib @ {url} oops"])
def test_credentials_of_a_line_are_not_printed(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...], line: str
) -> None:
    """Reports and errors name a line without the credentials in its address."""
    url = with_credentials(index.url.replace("/simple/", "/lib.zip"))
    line = line.format(url=url)
    project.requirements = text = f"{line}\nother==1.0\n"
    task, *packages = words
    done = project.invoke(f"deps.{task}", *(p.format(url=url, line=line) for p in packages))
    require_no_secret(done)
    assert "Traceback" not in done.output
    # a line that pip can't read either names no project: then lib is not listed yet
    assert set(text.splitlines()) <= set(project.requirements.splitlines())


def test_variable_that_is_not_set(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An index address with an unset variable: status 1, the variable is named."""
    address = index.url.replace("://", "://${INDEX_SECRET}@")
    project.requirements = text = f"--index-url {address}\nlib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    require_one_message(done)
    assert project.requirements == text
    assert "${INDEX_SECRET}" in done.stderr


def test_source_that_can_not_be_fetched(project: TemporaryProject, index: LoopbackIndex) -> None:
    """If an sdist can't be fetched, that is an error; its dependencies are not "unknown"."""
    index.add("base", "1.0")
    index.add("base", "2.0")
    index.add("source", "1.0", wheel=False, sdist=True, requires_dist=["base<2"])
    index.break_project("source", Fault(status=503, on="file"))
    project.requirements = "base==1.0\nsource==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout) == (1, "")
    assert project.requirements == "base==1.0\nsource==1.0\n"
    assert "HTTP 503" in done.stderr


def test_index_of_the_file_comes_first(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`--index-url` in the file overrides the setting, and the setting overrides pip's."""
    nobody = "http://127.0.0.1:1/simple/"
    environment = {"PIP_INDEX_URL": nobody, "INVOKE_PIPFLOW_INDEX_URL": index.url}
    assert project.invoke("deps.upgrade-all", environment=environment).status == 0
    project.requirements = f"-i {index.url}\nlib==1.0\n"
    environment = {"PIP_INDEX_URL": nobody, "INVOKE_PIPFLOW_INDEX_URL": nobody}
    assert project.invoke("deps.upgrade-all", environment=environment).status == 0
    assert project.requirements == f"-i {index.url}\nlib==2.0\n"


def test_extra_index_adds_versions(project: TemporaryProject, index: LoopbackIndex) -> None:
    """The newest version of all indexes is chosen; a project may be on only one of them."""
    with LoopbackIndex() as second:
        second.add("lib", "3.0")
        second.add("private", "1.0")
        environment = {"PIP_EXTRA_INDEX_URL": second.url}
        done = project.invoke("deps.add", "private", environment=environment)
        assert done.status == 0
        assert project.invoke("deps.upgrade-all", environment=environment).status == 0
    assert project.requirements == "lib==3.0\r\nother==1.0\r\nprivate==1.0"


def test_extra_index_that_fails_is_an_error(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """If one of two indexes fails, the answer of the other is not enough."""
    with LoopbackIndex() as second:
        second.break_project("lib", Fault(status=500))
        environment = {"PIP_EXTRA_INDEX_URL": second.url}
        done = project.invoke("deps.upgrade-all", environment=environment)
    require_one_message(done)
    assert project.requirements == "lib==1.0\r\nother==1.0"
