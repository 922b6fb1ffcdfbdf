"""A web application of one page."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def greet() -> str:
    """Answer every visitor."""
    return "Hello from the image."
