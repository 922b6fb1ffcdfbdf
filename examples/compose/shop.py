"""A shop that serves, or works: enough to have something to build."""

import http.server
import time

import click


@click.command()
@click.option("--work", is_flag=True)
def main(work: bool) -> None:
    """Serve on port 8000, or work."""
    while work:
        time.sleep(60)
    http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)


if __name__ == "__main__":
    main()
