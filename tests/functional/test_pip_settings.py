"""pip's own settings on this host: which indexes are asked, whom to trust, how to get there."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from forwarder import Forwarder, forwarder_to, secured
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE"):
        del project.environment[name]
    project.environment["XDG_CONFIG_DIRS"] = str(project.home / "etc")  # no file of this host's


def configure(project: TemporaryProject, text: str, *, user: str = ".config/pip/pip.conf") -> Path:
    """Write a configuration file of pip's."""
    path = project.home / user
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", [".config/pip/pip.conf", ".pip/pip.conf", "own.conf"])
def test_configuration_file(project: TemporaryProject, index: LoopbackIndex, name: str) -> None:
    """The index of pip's configuration file is asked, wherever pip finds that file."""
    path = configure(project, f"[global]\nindex-url = {index.url}\nquiet = 2\n", user=name)
    environment = {"PIP_CONFIG_FILE": str(path)} if name == "own.conf" else {}
    assert project.invoke("deps.add", "lib", environment=environment).status == 0
    assert project.requirements == "lib==1.0\n"


def test_stronger_words_of_pip(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Variables count before `[install]`, that before `[global]`, and one file before another."""
    nobody = "http://127.0.0.1:1/simple/"
    configure(project, f"[global]\nindex-url = {nobody}\n[install]\nindex-url = {index.url}\n")
    assert project.invoke("deps.add", "lib").status == 0
    configure(project, f"[global]\nindex-url = {nobody}\n")
    environment = {"PIP_INDEX_URL": index.url}
    assert project.invoke("deps.upgrade", "lib", environment=environment).status == 0
    for stronger, weaker in ((index.url, nobody), (nobody, index.url)):
        configure(project, f"[global]\nindex-url = {stronger}\nquiet = 3\n")
        configure(project, f"[global]\nindex-url = {weaker}\n", user=".pip/pip.conf")
        done = project.invoke("deps.upgrade", "lib")
        assert done.status == (0 if stronger == index.url else 1), done.output


def test_setting_of_this_tool_replaces_pips(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """The setting `index_url` counts before pip's, and pip's further indexes with it are left."""
    nobody = "http://127.0.0.1:1/simple/"
    configure(project, f"[global]\nindex-url = {nobody}\nextra-index-url = {nobody}\n")
    environment = {"INVOKE_PIPFLOW_INDEX_URL": index.url}
    assert project.invoke("deps.add", "lib", environment=environment).status == 0


def test_folders_of_this_host_are_passed_over(
    project: TemporaryProject, index: LoopbackIndex, tmp_path: Path
) -> None:
    """`file:` indexes, find-links and no-index of this host are not the image's.

    `check` says so, and an error that something is not on the index.
    """
    configure(
        project,
        f"[global]\nindex-url = {index.url}\nno-index = true\n"
        f"extra-index-url =\n    file://{tmp_path}/a\n    {tmp_path}/b\nfind-links = {tmp_path}\n",
    )
    passed_over = (
        "of pip's settings, these are for this host alone and do not count: "
        f"file://{tmp_path}/a, {tmp_path}/b, find-links {tmp_path}, no-index"
    )
    for command in ("deps.add", "deps.upgrade", "deps.why", "deps.remove", "deps.add"):
        done = project.invoke(command, "lib")
        assert (done.status, "do not count" in done.output) == (0, False)
    assert project.requirements == "lib==1.0\n"
    for words in (("deps.check",), ("deps.check", "--offline")):
        done = project.invoke(*words)
        assert (done.status, f"warning: {passed_over}" in done.stderr) == (0, True)
    for words in (("deps.add", "own"), ("deps.upgrade", "lib==2.0")):
        done = project.invoke(*words)
        assert (done.status, passed_over in done.stderr.partition("hint: ")[2]) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "pip can't read its configuration"),
        ("[global]\ncert = /nowhere/ca.pem\n", "pip's setting cert names /nowhere/ca.pem"),
        ("[global]\nclient-cert = /nowhere/me.pem\n", "pip's setting client-cert names"),
    ],
)
def test_configuration_that_makes_no_sense(project: TemporaryProject, text: str, said: str) -> None:
    """A configuration that can't be read, or names what is not there: status 1, it is said."""
    configure(project, text)
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


Forward = Callable[[ssl.SSLContext | None], Forwarder]


@pytest.fixture
def forward(index: LoopbackIndex) -> Iterator[Forward]:
    """Return a function that puts a forwarder, with TLS where it is given, before the index."""
    with ExitStack() as stack:
        yield lambda context: stack.enter_context(forwarder_to(index, context))


def test_certificate_of_pips_settings(
    project: TemporaryProject,
    forward: Forward,
    authority: trustme.CA,
    bundle: str,
    tmp_path: Path,
) -> None:
    """An index whose authority only pip's `cert` names is trusted; without, it is not."""
    server = forward(secured(authority))
    project.environment["PIP_INDEX_URL"] = server.url
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.exists()) == (1, False)
    assert "its certificate is not trusted" in done.stderr
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    environment = {"PIP_CERT": bundle, "REQUESTS_CA_BUNDLE": str(other)}
    done = project.invoke("deps.add", "lib", environment=environment)
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert "not checked" not in done.output


def test_two_bundles(
    project: TemporaryProject,
    forward: Forward,
    authority: trustme.CA,
    bundle: str,
    tmp_path: Path,
) -> None:
    """The bundle of REQUESTS_CA_BUNDLE counts beside pip's, which the same two files may name."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    server = forward(secured(authority))
    text = f"[global]\nindex-url = {server.url}\ncert = {bundle}\n"
    configure(project, text, user=".pip/pip.conf")
    configure(project, f"[global]\ncert = {other}\n")
    environment = {"REQUESTS_CA_BUNDLE": bundle}
    done = project.invoke("deps.add", "lib", environment=environment)
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output


def test_setting_of_several_lines_in_two_files(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What two files set is asked of pip, whose remarks are no values."""
    extra = f"extra-index-url =\n    {index.url}\n    {index.url}\n"
    configure(project, f"[global]\nindex-url = {index.url}\n{extra}")
    configure(project, f"[global]\nextra-index-url = {index.url}\n", user=".pip/pip.conf")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output


def test_trusted_host_of_constraints(
    project: TemporaryProject, index: LoopbackIndex, forward: Forward, authority: trustme.CA
) -> None:
    """A host that is called trusted is asked for constraints, too."""
    index.texts["/c.txt"] = "lib<2\n"
    server = forward(secured(authority))
    project.environment["PIP_INDEX_URL"] = index.url
    url = server.url.replace("simple/", "c.txt")
    project.requirements = text = f"-c {url}\n--trusted-host 127.0.0.1\n"
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, f"{text}lib==1.0\n"), done.output


@pytest.mark.parametrize("with_bundle", [True, False])
def test_client_certificate(
    project: TemporaryProject,
    forward: Forward,
    authority: trustme.CA,
    bundle: str,
    tmp_path: Path,
    with_bundle: bool,
) -> None:
    """An index that wants to know who asks is shown pip's `client-cert`."""
    context = secured(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    mine = tmp_path / "me.pem"
    issued = authority.issue_cert("me@example.com")
    issued.private_key_and_cert_chain_pem.write_to_path(str(mine))
    trust = {"PIP_CERT" if with_bundle else "SSL_CERT_FILE": bundle}
    project.environment |= {"PIP_INDEX_URL": forward(context).url, **trust}
    assert project.invoke("deps.add", "lib").status == 1
    done = project.invoke("deps.add", "lib", environment={"PIP_CLIENT_CERT": str(mine)})
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output


@pytest.mark.parametrize("place", ["pip's settings", "Dockerfile:3", "requirements.txt:1"])
def test_trusted_host_is_said(
    project: TemporaryProject, forward: Forward, authority: trustme.CA, place: str
) -> None:
    """A host that is called trusted is asked whatever its certificate is, and that is said."""
    server = forward(secured(authority))
    project.environment["PIP_INDEX_URL"] = server.url
    option, head = "", ""
    match place:
        case "pip's settings":
            configure(project, "[global]\ntrusted-host = example.com\n    127.0.0.1\n")
        case "Dockerfile:3":
            option = f"--trusted-host 127.0.0.1:{server.server_address[1]} "
        case _:
            head = "--trusted-host 127.0.0.1\n"
    project.write(
        "Dockerfile",
        f"FROM python:3.11\nCOPY . .\nRUN pip install {option}-r requirements.txt\n",
    )
    project.requirements = head
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, f"{head}lib==1.0\n"), done.output
    assert f"is not checked, as {place} would have it" in done.stderr
    assert "example.com" not in done.stderr
    assert "InsecureRequestWarning" not in done.stderr


@pytest.mark.parametrize(("provider", "status"), [("import", 0), ("disabled", 1)])
def test_keyring_of_pips_settings(
    project: TemporaryProject, index: LoopbackIndex, tmp_path: Path, provider: str, status: int
) -> None:
    """A password is looked for in a keyring, where pip's settings do not forbid it."""
    index.credentials = ("me", "hush")
    kept = tmp_path / "kept"
    kept.write_text(f"{index.url} me hush\n")
    configure(project, f"[global]\nindex-url = {index.url}\nkeyring-provider = {provider}\n")
    project.environment |= {
        "KEPT": str(kept),
        "PYTHON_KEYRING_BACKEND": "kept_keyring.Kept",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.exists()) == (status, status == 0), done.output
    assert "hush" not in done.output


def test_proxy_of_pips_settings(
    project: TemporaryProject, index: LoopbackIndex, forward: Forward
) -> None:
    """The index is asked through pip's proxy."""
    proxy = forward(None)
    configure(project, f"[global]\nproxy = http://127.0.0.1:{proxy.server_address[1]}\n")
    # the forwarder hands every request on to the index, whatever its host is called
    environment = {"PIP_INDEX_URL": "http://index.invalid/simple/"}
    done = project.invoke("deps.add", "lib", environment=environment)
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output
    assert proxy.count > 0


def test_project_with_a_folder_called_pip(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A folder of the project's that is called pip is not taken for pip."""
    project.write("pip/__init__.py", "raise SystemExit('this is not pip')\n")
    project.write("pip/__main__.py", "raise SystemExit('this is not pip')\n")
    configure(project, f"[global]\nindex-url = {index.url}\n")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output
