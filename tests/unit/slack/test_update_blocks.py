"""Reminders and the form that puts an update off, whatever people write: Slack takes them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.blocks.parts import pack
from bot.slack.blocks.update import show_empty_seat, show_reminder
from bot.slack.text import literal
from bot.slack.views.update import LENGTHS, snooze_form
from bot.store.tables import Incident
from tests.unit.slack import rows, shapes
from tests.unit.slack.test_blocks import THOROUGH, check, check_form


@given(rows.incidents(), st.integers(1, 10**9), shapes.texts(), st.booleans())
@THOROUGH
def test_a_reminder(incident: Incident, number: int, prose: str, may_act: bool) -> None:
    blocks = pack(show_reminder(incident, number, literal(prose) or "x", may_act=may_act))
    check(blocks)
    pressed = set(re.findall(r"'action_id': '([a-z_.]+)'", str(blocks)))
    offered = {"update.snooze"} | ({"update.no_change", "incident.update"} if incident.is_open else set())
    assert pressed == (offered if may_act else set())


@given(rows.incidents(), shapes.texts(), st.booleans())
@THOROUGH
def test_an_empty_seat(incident: Incident, prose: str, may_act: bool) -> None:
    blocks = pack(show_empty_seat(incident, literal(prose) or "x", may_act=may_act))
    check(blocks)
    assert ("coordinator.take" in str(blocks)) == may_act


@given(rows.incidents())
@THOROUGH
def test_the_form_of_putting_off(incident: Incident) -> None:
    check_form(snooze_form(incident, list(LENGTHS)))
