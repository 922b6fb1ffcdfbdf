"""What the image accepts: Python, platforms and their tags, marker environment, pip.

Read from the base image's name, for which the facts are `image_facts`'s and the rules are
`names`'s, or from what the `Interpreter` in the image said. Follows PEP 425 (tags), 600
(manylinux), 656 (musllinux), 508 (marker environment) and 345 (Requires-Python).
Nothing here asks the host: whatever it has to do with the result is passed in.
"""

from .distributions import Distribution, find_distribution
from .names import (
    HINT,
    ImageName,
    docker_platform,
    name_tells_all,
    newest_pip,
    target_error,
    variables_of,
)
from .restriction import Restriction, restrict
from .target import ASSUMED_PLATFORM, BaseImage, Platform, Target

__all__ = [
    "ASSUMED_PLATFORM",
    "HINT",
    "BaseImage",
    "Distribution",
    "ImageName",
    "Platform",
    "Restriction",
    "Target",
    "docker_platform",
    "find_distribution",
    "name_tells_all",
    "newest_pip",
    "restrict",
    "target_error",
    "variables_of",
]
