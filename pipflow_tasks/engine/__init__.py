"""Building images and asking them, with the user's own programs.

``programs`` chooses one, ``builders`` makes the command that builds, ``building`` runs that
command, and ``signals`` ends it early. ``probe`` asks a base image for its Python, ``installed``
a built one for its distributions, and ``sizes`` how large it is; ``containers`` removes what images
were run in.
"""

from .builders import (
    bake_builder,
    command_builder,
    compose_builder,
    image_name,
    join_builders,
    plain_builder,
    split_command,
)
from .building import answers, build, verify
from .installed import Installed, ask_installed
from .probe import BaseImages
from .programs import ComposeProgram, choose_compose, choose_engine, engine_of, print_bake
from .sizes import KnownImage, ask_images

__all__ = [
    "BaseImages",
    "ComposeProgram",
    "Installed",
    "KnownImage",
    "answers",
    "ask_images",
    "ask_installed",
    "bake_builder",
    "build",
    "choose_compose",
    "choose_engine",
    "command_builder",
    "compose_builder",
    "engine_of",
    "image_name",
    "join_builders",
    "plain_builder",
    "print_bake",
    "split_command",
    "verify",
]
