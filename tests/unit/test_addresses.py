"""Addresses: how a request is split into whom it asks and for what."""

import urllib3
from hypothesis import given
from hypothesis import strategies as st

from pipflow_tasks.index.http import split_address

HOSTS = st.sampled_from(["127.0.0.1", "example.org", "user:pw@a.example", "A.example", "[::1]"])
PORTS = st.sampled_from(["", ":80", ":08", ":8080", ":40379", ":65535"])
SEGMENTS = st.text("aB1.-_~+%2:@", max_size=4)


@given(
    st.sampled_from(["http", "https"]), HOSTS, PORTS, st.lists(SEGMENTS), st.sampled_from("/?# ")
)
def test_address_is_split_as_urllib3_reads_it(
    scheme: str, host: str, port: str, segments: list[str], end: str
) -> None:
    """A plain address, which is not given to urllib3's slow reader, is read as by that one."""
    url = "/".join([f"{scheme}://{host}{port}", *segments]) + end.strip()
    read = urllib3.util.parse_url(url)
    assert split_address(url) == ((read.scheme, read.auth, read.netloc), read.request_uri)
