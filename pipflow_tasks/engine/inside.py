"""Describe the Python that runs this: one JSON object on standard output.

The text of this file is given to the Python of a base image (``python -c``), so it imports nothing
of this package and runs on Python 3.6 and later. What is unknown is empty: pip may be missing or
broken.
"""

import ast
import glob
import importlib
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from typing import Dict, List, Optional, Tuple

# pip's list of the tags that it takes: from 20.1 on, from 10 on, and before
TAGS = ("pip._internal.utils.compatibility_tags", "pip._internal.pep425tags", "pip.pep425tags")
LOADERS = "/lib/ld-musl-*.so.1"
LARGEST_FILE_BYTES = 1 << 20


def main() -> None:
    """Print everything."""
    environment = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_"))}
    pip = find_pip()
    configuration = read_configuration() if pip else []
    answer = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "markers": find_markers(),
        "abis": find_abis(),
        "libc": find_libc(),
        "machine": find_machine(),
        "pip": pip,
        "tags": find_tags() if pip else [],
        "environment": environment,
        "configuration": configuration,
        "constraints": read_constraints(environment, configuration),
        "installed": find_installed(),
    }
    print("\n" + json.dumps(answer))


def find_markers() -> Dict[str, str]:
    """Return the eleven variables of PEP 508."""
    own = sys.implementation.version
    version = "{}.{}.{}".format(*own[:3])
    if own.releaselevel != "final":
        version += own.releaselevel[0] + str(own.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def find_abis() -> List[str]:
    """Return the ABIs of extension modules as in wheel names, the build's own first."""
    own = re.match(r"cpython-([0-9]+[a-z]*)", sysconfig.get_config_var("SOABI") or "")
    if own is None:
        return []
    plain = own.group(1).replace("d", "")
    is_like_release = sys.version_info >= (3, 8) and plain != own.group(1)
    return ["cp" + own.group(1)] + (["cp" + plain] if is_like_release else [])


def find_libc(loaders: str = LOADERS) -> str:
    """Return the C library: ``glibc 2.36``, ``musl 1.2.4``."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):  # musl's answers that it has no such name
        name = None
    if name:
        return name
    for loader in sorted(glob.glob(loaders)):
        process = subprocess.Popen([loader], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        found = re.search(r"Version ([0-9.]+)", process.communicate()[0].decode("utf-8", "replace"))
        if found:
            return "musl " + found.group(1)
    return ""


def find_machine() -> str:
    """Return the machine as in tags; the kernel's may be another than the build's."""
    machine = sysconfig.get_platform().split("-", 1)[-1].replace("-", "_")
    if sys.maxsize <= 2**32:
        return {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
    return machine


def find_pip() -> Optional[str]:
    """Return pip's version."""
    try:
        return str(importlib.import_module("pip").__version__)
    except Exception:
        return None


def find_tags() -> List[str]:
    """Return the tags that pip takes, most preferred first."""
    for name in TAGS:
        try:
            tags = importlib.import_module(name).get_supported()
        except Exception:  # another pip's, or one that does not run on this Python
            continue
        return ["-".join(tag) if isinstance(tag, tuple) else str(tag) for tag in tags]
    return []


def read_configuration() -> List[List[str]]:
    """Return what `pip config list` prints: names (``global.index-url``) and values."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        printed = process.communicate()[0].decode("utf-8", "replace")
    except OSError:
        return []
    pairs = [line.partition("=")[::2] for line in printed.splitlines()]
    return [[name, ast.literal_eval(value)] for name, value in pairs if value[:1] in ("'", '"')]


def read_constraints(environment: Dict[str, str], configuration: List[List[str]]) -> Dict[str, str]:
    """Return the constraints files that count for every install, with their texts."""
    named = [value for name, value in environment.items() if name.endswith("_CONSTRAINT")]
    named += [value for name, value in configuration if name.endswith(".constraint")]
    found = {}
    for path in " ".join(named).split():
        if os.path.isfile(path) and os.path.getsize(path) <= LARGEST_FILE_BYTES:
            with open(path, "rb") as file:
                found[path] = file.read().decode("utf-8", "replace")
    return found


def find_installed() -> List[Tuple[str, str, List[str]]]:
    """Return the installed distributions: names, versions and requirements."""
    try:
        metadata = importlib.import_module("importlib.metadata")
        found = [
            (each.metadata["Name"], each.version, each.requires or [])
            for each in metadata.distributions()
        ]
    except Exception:  # before Python 3.8, or one of them is broken
        try:
            packages = importlib.import_module("pkg_resources").WorkingSet()
            found = [
                (each.project_name, each.version, [str(need) for need in each.requires()])
                for each in packages
            ]
        except Exception:
            return []
    return [each for each in found if each[0] and each[1]]


if __name__ == "__main__":
    main()
