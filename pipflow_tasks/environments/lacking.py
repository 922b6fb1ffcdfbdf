"""What a build needs and will not get: found before a file is written, not by a failed build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..dockerfile import mounts_of
from ..dockerfile.words import expand_known
from ..errors import DockerfileError
from ..files import is_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..compose import Secret
    from ..dockerfile import Dockerfile, InstallCommand, Instruction
    from .build import Build


def find_lack(
    builds: Sequence[Build], images: Iterable[str], variables: Mapping[str, str]
) -> DockerfileError | None:
    """Return what keeps builds from having the arguments and secrets that installing takes.

    Those of ``images`` are built: the names of compose services, else of images. Without any of
    them, all are.
    """
    named = {*images}
    built = (build for build in builds if {build.recipe.service, build.recipe.image} & named)
    try:
        for build in [*built] or builds:
            for step in build.steps:
                run = _instruction_of(build.dockerfile, step)
                _require_arguments(build, step, run)
                _require_secrets(build, step, run)
            for secret in build.recipe.secrets:
                _require_secret(build, secret, variables)
    except DockerfileError as error:
        return error
    return None


def _require_arguments(build: Build, step: InstallCommand, run: Instruction) -> None:
    """Check the arguments that are declared without value, and passed on without one."""
    dockerfile = build.dockerfile
    unset = {name for name, value in build.recipe.build_args if value is None}
    unset -= dockerfile.defaulted
    base = dockerfile.base_of(step.stage)
    in_force = [value for _, value in step.environment]
    for line, texts in (
        (base.line, [base.base]),
        (step.line, [run.arguments, *(heredoc.body for heredoc in run.heredocs), *in_force]),
    ):
        lacking = sorted(unset & {name for text in texts for name in expand_known(text, {})[1]})
        if lacking:
            raise DockerfileError(
                f"the build argument `{lacking[0]}` has no value, and is needed here",
                path=(base.path if line == base.line else "") or build.recipe.path,
                line=line,
                hint=f"set `{lacking[0]}` in the environment or in the `.env` file, "
                f"or write a default: `ARG {lacking[0]}=<value>`",
            )


def _require_secrets(build: Build, step: InstallCommand, run: Instruction) -> None:
    """Check the secrets that the step calls required."""
    given = {secret.name for secret in build.recipe.secrets}
    for mount in mounts_of(run):
        if mount.kind == "secret" and mount.is_required and mount.identity not in given:
            raise DockerfileError(
                f"the secret `{mount.identity}` is required, and the build is not given it",
                path=build.recipe.path,
                line=step.line,
                hint="name it under the service's `build: secrets:`, or with --secret in the "
                "setting build_command",
            )


def _require_secret(build: Build, secret: Secret, variables: Mapping[str, str]) -> None:
    """Check that what a secret holds is there."""
    lack = ""
    if secret.file is not None and not is_file(Path(secret.file)):
        lack = f"there is no file {secret.file}"
    elif secret.variable is not None and secret.variable not in variables:
        lack = f"the environment has no {secret.variable}"
    if lack:
        raise DockerfileError(
            f"the build is given the secret {secret.name}, and {lack}", path=build.recipe.path
        )


def _instruction_of(dockerfile: Dockerfile, step: InstallCommand) -> Instruction:
    """Return the instruction of a step, which may be what an ONBUILD has put off."""
    return next(
        instruction.trigger or instruction
        for stage in dockerfile.stages
        for instruction in stage.instructions
        if instruction.line == step.line
    )
