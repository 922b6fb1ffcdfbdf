"""Profiles for the property tests, HYPOTHESIS_PROFILE=nightly searches longer; nobody's keyring."""

import os

from hypothesis import HealthCheck, settings

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
settings.register_profile("default", max_examples=200, deadline=None)
settings.register_profile(
    "nightly",
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
