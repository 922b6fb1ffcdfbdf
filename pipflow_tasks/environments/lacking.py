"""What a build needs and will not get: found before a file is written, not by a failed build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..dockerfile.grammar import DockerfileText
from ..dockerfile.words import Variables, expand, keep, split_words
from ..errors import DockerfileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..compose import Secret
    from ..dockerfile import Dockerfile, InstallCommand, Instruction
    from .image import Build


def require_all(sources: Mapping[str, Build], environment: Mapping[str, str]) -> None:
    """Check that the builds have the arguments and secrets that installing the files takes.

    Raises:
        DockerfileError: one has not.
    """
    for source in sources.values():
        dockerfile = source.read(keep_unknown=True)
        for step in source.steps(dockerfile):
            _require_arguments(source, dockerfile, step)
            _require_secrets(source, dockerfile, step)
        for secret in source.secrets:
            if lack := _lack_of(secret, environment):
                raise DockerfileError(
                    f"the build is given the secret {secret.name}, and {lack}", path=source.path
                )


def _require_arguments(source: Build, dockerfile: Dockerfile, step: InstallCommand) -> None:
    """Check the arguments that are declared without value, and passed on without one."""
    unset = set(source.unset_args) - {
        word.partition("=")[0]
        for instruction in DockerfileText.from_text(source.text, source.path).instructions()
        if instruction.keyword == "ARG"
        for word in split_words(instruction.arguments, "\\")
        if "=" in word
    }
    base = dockerfile.base_of(step.stage)
    run = _instruction_of(dockerfile, step)
    in_force = [value for _, value in step.environment]
    for line, texts in (
        (base.line, [base.base]),
        (step.line, [run.arguments, *(heredoc.body for heredoc in run.heredocs), *in_force]),
    ):
        lacking = sorted(unset & {name for text in texts for name in _variables_in(text)})
        if lacking:
            raise DockerfileError(
                f"the build argument `{lacking[0]}` has no value, and is needed here",
                path=source.path,
                line=line,
                hint=f"set `{lacking[0]}` in the environment or in the `.env` file, "
                f"or write a default: `ARG {lacking[0]}=<value>`",
            )


def _require_secrets(source: Build, dockerfile: Dockerfile, step: InstallCommand) -> None:
    """Check the secrets that the step calls required."""
    given = {secret.name for secret in source.secrets}
    for name, value in _instruction_of(dockerfile, step).flags:
        keys = dict(part.strip().partition("=")[::2] for part in value.split(","))
        if name != "mount" or keys.get("type") != "secret":
            continue
        target = keys.get("target") or keys.get("dst") or keys.get("destination") or ""
        wanted = keys.get("id") or target.rpartition("/")[2]
        is_required = keys.get("required", "false").lower() in {"", "true", "1"}
        if is_required and wanted not in given:
            raise DockerfileError(
                f"the secret `{wanted}` is required, and the build is not given it",
                path=source.path,
                line=step.line,
                hint="name it under the service's `build: secrets:`, or with --secret in the "
                "setting build_command",
            )


def _lack_of(secret: Secret, environment: Mapping[str, str]) -> str:
    if secret.file is not None and not Path(secret.file).is_file():
        return f"there is no file {secret.file}"
    if secret.variable is not None and secret.variable not in environment:
        return f"the environment has no {secret.variable}"
    return ""


def _instruction_of(dockerfile: Dockerfile, step: InstallCommand) -> Instruction:
    """Return the instruction of a step, which may be what an ONBUILD has put off."""
    return next(
        instruction.trigger or instruction
        for stage in dockerfile.stages
        for instruction in stage.instructions
        if instruction.line == step.line
    )


def _variables_in(text: str) -> list[str]:
    """Return the variables of a text whose value nothing else stands in for."""
    found: list[str] = []

    def note(name: str, message: str | None) -> str:
        found.append(name)
        return keep(name, message)

    expand(text, Variables(values={}, missing=note))
    return found
