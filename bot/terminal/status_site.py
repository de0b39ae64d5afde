"""`holdfast status-site …`: the built-in status page, from what was published."""

from __future__ import annotations

from pathlib import Path

import click

from bot.comms.status_site.site import StatusSite, open_place
from bot.outcome import Failed, Refused
from bot.systems.site_files import SiteFolder, SitePlace
from bot.terminal.session import TerminalSession, answer, guarded, json_option, pass_session


@click.group(name="status-site")
def status_site() -> None:
    """The built-in status page."""


@status_site.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Build it here, not where it belongs.")
@json_option
@pass_session
@guarded
def build(session: TerminalSession, folder: Path | None, as_json: bool) -> None:
    """Write it anew from what was published."""
    services = session.services
    place = SiteFolder(folder) if folder else _configured(session)
    try:
        files = StatusSite(services.database, services.policy).build(place)
    except OSError as error:
        raise Failed(
            f"The status page could not be written: {error}.", "Some files may be newer than others."
        ) from error
    answer(as_json, {"files": files}, f"{files} files are up to date.")


def _configured(session: TerminalSession) -> SitePlace:
    settings = session.services.policy.channels.status_site
    if settings is None:
        raise Refused("The policy sets up no status page.", "Add `channels.status_site`, or name a --folder.")
    return open_place(settings)
