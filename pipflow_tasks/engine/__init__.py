"""The image, by the user's own programs.

``programs`` chooses one, ``builders`` builds with it, ``probe`` asks a base image what it is;
``containers`` is what the latter two run images in.
"""

from .builders import (
    Builder,
    command_builder,
    compose_builder,
    image_name,
    interruptible,
    plain_builder,
    split_command,
)
from .probe import BaseImages
from .programs import ComposeProgram, choose_compose, choose_engine

__all__ = [
    "BaseImages",
    "Builder",
    "ComposeProgram",
    "choose_compose",
    "choose_engine",
    "command_builder",
    "compose_builder",
    "image_name",
    "interruptible",
    "plain_builder",
    "split_command",
]
