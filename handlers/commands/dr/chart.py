"""/dr chart connections 6h: a picture of what was measured."""

from __future__ import annotations

from bot.diagnostics.metrics import METRICS
from bot.diagnostics.subjects import SPANS_S, read_request
from bot.slack.blocks.parts import ACTIONS, actions, button, marked, pack
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    metric, span = read_request(request.text)
    return ask(request, metric, span) if metric else offer(span)


def ask(request: Request, metric: str, span: str) -> Reply:
    chart = request.services.pictures.ask(request.person, metric, span, request.place, request.incident)
    if chart.title:
        return Reply(
            f":chart_with_upwards_trend: It was drawn at {chart.asked_at:%H:%M:%S} UTC, and is in the channel."
        )
    return Reply(":chart_with_upwards_trend: It is being drawn, and appears in the channel.")


def offer(span: str) -> Reply:
    """What there is, to be pressed."""
    text = f"What is it to be? Or type it: `/dr chart connections 6h`; spans are {', '.join(SPANS_S)}."
    pressed = [
        button(one.title, f"chart.draw:{one.key}", {"metric": one.key, "span": span})
        for one in list(METRICS.values())[:ACTIONS]
    ]
    return Reply(text, pack([marked(text), actions(pressed)]))


SUBCOMMAND = Subcommand(
    "chart", f"chart [{'|'.join(METRICS)}] [{'|'.join(SPANS_S)}]", "draws what was measured over time", handle
)
