"""The tasks of a repository with two services; each has its own dependency tasks."""

from invoke import Collection, task

from pipflow_tasks import namespace_for

api = namespace_for("services/api", image="shop-api")
web = namespace_for("services/web", image="shop-web", file="requirements.txt,requirements-dev.txt")


@task(pre=[api["upgrade-all"], web["upgrade-all"]])
def nightly(c):
    """Upgrade both services and build their images; stop if the first build fails."""
    print("Both services are new.")


namespace = Collection(nightly, api=api, web=web)
