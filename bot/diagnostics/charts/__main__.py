"""Draws charts in a process of its own: a list of them as JSON comes in, a list of pictures in base64 goes out."""

from __future__ import annotations

import sys
from base64 import b64encode

from pydantic import TypeAdapter

from bot.diagnostics.charts.chart import Chart
from bot.diagnostics.charts.drawing import draw


def main() -> None:
    charts = TypeAdapter(list[Chart]).validate_json(sys.stdin.buffer.read())
    pictures = [b64encode(draw(chart)).decode() for chart in charts]
    sys.stdout.write(TypeAdapter(list[str]).dump_json(pictures).decode())


if __name__ == "__main__":
    main()
