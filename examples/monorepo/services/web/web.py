"""The service that people see."""

import flask

print(f"flask is {flask.__name__}")
