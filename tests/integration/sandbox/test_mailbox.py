"""The sandbox's mailbox: what the bot sends outside Slack arrives there as it would outside, and can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from bot.sandbox.demo_policy import Postbox
from bot.sandbox.mailbox.letters import Mailbox
from bot.sandbox.mailbox.mails import catch_mails
from bot.sandbox.mailbox.routes import CAUGHT, mailbox_routes
from bot.sandbox.page.routes import page_routes
from bot.sandbox.ports import free_port
from bot.sandbox.workspace import serve
from tests.integration.handlers.rig import make_workspace
from tests.unit.comms.channels.office import SHIPPED, Office, make_policy, open_office

ADDRESSES = SHIPPED["audiences"]["dr_team"]["addresses"]


@contextmanager
def open_mailbox_office(folder: Path) -> Iterator[tuple[Office, str]]:
    """An office whose channels all end in a mailbox, and the address of its page."""
    mailbox, port = Mailbox(), free_port()
    with catch_mails(mailbox) as smtp_port:
        postbox = Postbox(smtp_port, f"http://127.0.0.1:{port}{CAUGHT}")
        policy = make_policy(postbox.channels(), ["email", "pager", "teams", "webhook"])
        routes = [*page_routes(mailbox="/mailbox"), *mailbox_routes(mailbox)]
        workspace = make_workspace(policy, page_routes=routes)
        with serve(workspace, port=port) as url, open_office(folder, policy, postbox.environment()) as office:
            yield office, url


def test_everything_that_is_said_outside_slack_can_be_read(tmp_path: Path) -> None:
    with open_mailbox_office(tmp_path) as (office, url):
        number = office.declare(title="<b>Database</b> connection failure", impact="Nobody can scan bags").id
        office.work()
        office.desk.resolve(number, actor="mei", text="It is back.")
        office.work()
        letters = requests.get(f"{url}/mailbox.json", timeout=10).json()["letters"]
        listed = requests.get(f"{url}/mailbox", timeout=10).text
        mail = next(one for one in letters if one["kind"] == "mail")
        shown = requests.get(f"{url}/mailbox/{mail['id']}", timeout=10)
        body = requests.get(f"{url}/mailbox/{mail['id']}/body", timeout=10)
        missing = requests.get(f"{url}/mailbox/999", timeout=10)
        states = {one.state for one in office.told("email") + office.told("webhook")}
    assert states == {"sent"}
    kinds = [one["kind"] for one in letters]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"mail": 2, "page": 2, "card": 2, "webhook": 2}
    assert [one["recipient"] for one in letters if one["kind"] == "mail"] == ADDRESSES * 2
    assert len({one["thread"] for one in letters if one["kind"] == "mail"}) == 1
    assert len({one["thread"] for one in letters if one["kind"] == "page"}) == 1
    assert "&lt;b&gt;Database" in listed
    assert "<b>Database" not in listed + shown.text + body.text
    assert "Nobody can scan bags" in body.text
    assert body.headers["Content-Security-Policy"].endswith("sandbox")
    assert missing.status_code == 404


def test_the_stage_links_to_it_where_there_is_one(tmp_path: Path) -> None:
    with open_mailbox_office(tmp_path) as (_, url):
        assert 'data-mailbox="/mailbox"' in requests.get(url, timeout=10).text
