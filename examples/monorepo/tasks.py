"""The tasks of a repository with two services: each has its own ``deps``."""

from invoke import Collection, task

from pipflow_tasks import namespace_for

api = namespace_for("services/api", image="shop-api")
web = namespace_for("services/web", image="shop-web", file="requirements.txt,requirements-dev.txt")


@task(pre=[api["upgrade-all"], web["upgrade-all"]])
def nightly(c):
    """Upgrade both services and build their images; the second only if the first was built."""
    print("Both services are new.")


namespace = Collection(nightly, api=api, web=web)
