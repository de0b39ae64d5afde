"""A chart, as a picture with its description; in words alone where it could not be drawn."""

from __future__ import annotations

import re

from bot.comms.messages.subject import File, Message, Subject
from bot.slack.blocks.parts import pack, words
from bot.slack.text import cut, escape, strong
from bot.store.tables import ChartPicture, Notice

KIND = "chart"
TITLE_SHOWN = 150


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        chart = session.get_one(ChartPicture, notice.subject_id)
    if chart.picture is None:
        without = f"{chart.alt_text} (Without a picture: {chart.left_out})"
        return Message(escape(chart.title), pack([words(without)]))
    name = f"chart-{chart.id}-{re.sub('[^a-z0-9]+', '-', chart.series.lower())}.png"
    file = File(name, cut(chart.subtitle, TITLE_SHOWN), chart.picture, chart.alt_text)
    return Message(f":chart_with_upwards_trend: {strong(chart.title)}", file=file)
