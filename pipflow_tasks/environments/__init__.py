"""From builds to environments: what is built, for which Python, by which install rules."""
