"""Which files are Dockerfiles, by their names."""

from __future__ import annotations

import re

from ..values import Pattern

PLAIN_NAMES = ("Dockerfile", "Containerfile")

_NAME = Pattern(
    r"(?:dockerfile|containerfile)(?:[._-].+)?|.+[._-](?:dockerfile|containerfile)", re.IGNORECASE
)
_NO_DOCKERFILE = Pattern(
    r".*(?:\.dockerignore|\.(?:j2|jinja2?|tmpl|tpl|template|in|erb|mustache)"  # templates
    r"|\.(?:bak|old|orig|rej|save|sw[op]|disabled)|~"  # backups
    r"|\.(?:md|rst|adoc|py|sh|ya?ml|json|toml))",
    re.IGNORECASE,
)


def is_dockerfile_name(name: str) -> bool:
    """Return whether a file of that name is a Dockerfile, and no template or backup of one."""
    return bool(_NAME.fullmatch(name)) and not _NO_DOCKERFILE.fullmatch(name)
