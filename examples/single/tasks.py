"""The tasks of a small project: its own, and ``deps.*``."""

from invoke import Collection, task

import pipflow_tasks

deps = pipflow_tasks.namespace


@task
def test(c):
    """Run the tests in the image."""
    c.run("docker run --rm pipflow-example python -m pytest -q")


@task(pre=[deps["upgrade-all"], test])
def ci(c):
    """Upgrade every pin, build the image, and test the image: a nightly job."""
    print("The pins are upgraded, the image is built, and the tests pass.")


namespace = Collection(test, ci, deps=deps)
