"""The service that other programs ask."""

import requests

print(f"requests {requests.__version__}")
