"""Why an application gave no answer, in words and not in the names of exceptions."""

from __future__ import annotations

import pytest
import requests

from bot.systems.web_application import tell_no_answer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ReadTimeout(), "it takes too long"),
        (requests.ConnectTimeout(), "it takes too long"),
        (requests.exceptions.SSLError(), "its certificate is refused"),
        (requests.ConnectionError(), "there is no connection to it, or it breaks off"),
        (requests.TooManyRedirects(), "TooManyRedirects"),
    ],
)
def test_it_is_said_in_words(error: Exception, words: str) -> None:
    assert tell_no_answer(error) == words
