"""The list of deliveries: Slack takes it however long it is and whatever is in it, troubles come first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.comms.delivery_log import Told
from bot.slack.blocks.deliveries import show_deliveries
from bot.slack.blocks.parts import pack
from tests.unit.slack import rows, shapes
from tests.unit.slack.test_blocks import THOROUGH, check, readable


def make_told(number: int = 1, **changed: Any) -> Told:
    facts: dict[str, Any] = {
        "id": number, "said_at": rows.NOON + timedelta(seconds=number), "kind": "bulletin", "what": "bulletin (update)",
        "channel": "E-mail", "recipient": "team@example.com", "state": "sent", "attempts": 1, "receipt": "",
        "error": "", "repeated": False,
    }  # fmt: skip
    return Told(**{**facts, **changed})


TOLD = st.builds(
    make_told, number=st.integers(1, 10**6), recipient=shapes.lines(200), error=shapes.texts(),
    state=st.sampled_from(["sent", "failed", "retrying", "queued", "spaced", "sending"]), repeated=st.booleans(),
)  # fmt: skip


@given(title=shapes.lines(200), told=st.lists(TOLD, max_size=300), reason=shapes.texts())
@THOROUGH
def test_slack_takes_it(title: str, told: list[Told], reason: str) -> None:
    check(pack(show_deliveries(title, told, {"E-mail": reason})))


def test_what_is_wrong_comes_first_and_says_why() -> None:
    told = [
        make_told(1),
        make_told(2, state="retrying", error="the mail server did not answer", attempts=9),
        make_told(3, state="failed", error="no such user"),
        make_told(4, repeated=True, attempts=2),
    ]
    seen = readable(pack(show_deliveries("P1 · #7", told, {"PagerDuty": "KEY is not set"})))
    order = ["no such user", "did not answer", "may have arrived twice", "PagerDuty", "KEY is not set"]
    places = [seen.index(words) for words in order]
    assert places == sorted(places)
    assert "*2* got through, *1* wait, *1* were refused" in seen
