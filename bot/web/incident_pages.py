"""The incident pages as HTML; the same strictness as all prose: a missing value is an error, every value is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from bot.comms.messages.subject import name_person
from bot.incidents.web_access import PAGES, Pass, WebAccess
from bot.policy import Policy
from bot.slack.blocks.playbook import STATES as PLAYBOOK_STATES
from bot.slack.blocks.run import ENDINGS
from bot.store.tables import Incident
from bot.web.incident_page import IncidentPage
from bot.web.mrkdwn import to_html
from bot.words import show_duration

FOLDER = "incident_pages"
"""Of `templates/`."""
CODE_AS_WRITTEN = "js-default"
"""markdown-it's preset with tables, in which HTML is text and links lead to the web only."""
CHART = re.compile(r'src="chart-(\d+)\.png"')
"""A picture as the draft names it (`bot.postmortem.drafts.file_name`)."""


class IncidentPages:
    """Renders; `folder` is that of all templates."""

    def __init__(self, folder: Path, policy: Policy, access: WebAccess) -> None:
        environment = Environment(
            loader=FileSystemLoader(folder / FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        environment.filters |= {
            "moment": _moment,
            "duration": show_duration,
            "mrkdwn": to_html,
            "markdown": partial(_show_document, MarkdownIt(CODE_AS_WRITTEN), f"{access.root}{PAGES}"),
            "name": partial(name_person, policy),
        }
        environment.globals |= {
            "product": policy.product,
            "pages": f"{access.root}{PAGES}",
            "refresh_s": round(policy.web.refresh_every / timedelta(seconds=1)),
            "severities": {key: severity.title for key, severity in policy.severities.items()},
            "run_states": {state: words for state, (_, words) in ENDINGS.items()},
            "playbook_states": {state: words for state, (_, words) in PLAYBOOK_STATES.items()},
        }
        self._environment = environment

    def show_list(self, leave: Pass, open_ones: list[Incident], recent: list[Incident], now: datetime) -> str:
        """The open incidents, and others that were."""
        return self._render("list.html", viewer=leave, now=now, open_ones=open_ones, recent=recent)

    def show_incident(self, leave: Pass, page: IncidentPage, now: datetime) -> str:
        parts: Mapping[str, object] = {field.name: getattr(page, field.name) for field in fields(page)}
        return self._render("incident.html", viewer=leave, now=now, **parts)

    def show_missing(self, leave: Pass) -> str:
        """There is no such incident, or none that this person may know of."""
        return self._render("missing.html", viewer=leave)

    def show_stranger(self) -> str:
        """For whoever comes without a link, or with one that is too old."""
        return self._render("stranger.html", viewer=None)

    def show_trouble(self) -> str:
        """Our own store does not answer."""
        return self._render("trouble.html", viewer=None)

    def _render(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)


def _show_document(markdown: MarkdownIt, pages: str, text: str, incident_id: int) -> Markup:
    """The post-mortem draft; its charts, which are files beside it elsewhere, are where this site has them."""
    shown: str = CHART.sub(rf'src="{pages}/{incident_id}/charts/\1"', markdown.render(text))
    return Markup(shown)  # noqa: S704 (HTML in it is shown as text)


def _moment(at: datetime) -> Markup:
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC")
