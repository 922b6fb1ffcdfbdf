"""The application's tests; they run in the image."""

from app import app


def test_greets() -> None:
    """The front page says hello."""
    assert app.test_client().get("/").text == "Hello from the image."
