"""`holdfast dr chart`: a picture of what was measured, as a file."""

from __future__ import annotations

from pathlib import Path

import click

from bot.diagnostics.metrics import METRICS
from bot.diagnostics.pictures import draw
from bot.diagnostics.subjects import SPANS_S
from bot.incidents.reading import Reading
from bot.outcome import Failed
from bot.terminal.session import TerminalSession, answer, guarded, json_option, pass_session


@click.command()
@click.argument("metric", required=False, default="")
@click.argument("span", type=click.Choice(list(SPANS_S)), default=next(iter(SPANS_S)))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The PNG file to write.")
@json_option
@pass_session
@guarded
def chart(session: TerminalSession, metric: str, span: str, output: Path | None, as_json: bool) -> None:
    """Draw what was measured over time; without --output it is told in words. Without METRIC, list what there is."""
    if not metric:
        words = "\n".join(f"{one.key:32} {one.title}: {one.figure}" for one in METRICS.values())
        answer(as_json, {"metrics": list(METRICS), "spans": list(SPANS_S)}, words)
        return
    still_open = Reading(session.services.database, session.viewer).list_open()
    incident = still_open[0] if len(still_open) == 1 else None
    sketch = session.services.pictures.sketch_now(metric, span, incident)
    facts = {"series": sketch.series, "title": sketch.chart.title, "text": sketch.chart.alt_text, "file": None}
    if output is None:
        answer(as_json, facts, sketch.chart.alt_text)
        return
    ((picture, left_out),) = draw([sketch])
    if picture is None:
        raise Failed("The chart is left out.", sketch.chart.alt_text, left_out)
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise Failed(f"{output} cannot be written: {error.strerror}.", "Nothing was written.") from error
    answer(as_json, facts | {"file": str(output)}, f"{sketch.chart.alt_text}\nWritten to {output}.")
