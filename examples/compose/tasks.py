"""The tasks of the shop: `invoke deps.upgrade-all test`."""

from invoke import Collection, task

import pipflow_tasks


@task
def test(c):
    """Run the tests in their image."""
    c.run("docker compose run --rm tests")


namespace = Collection(test, deps=pipflow_tasks.namespace)
