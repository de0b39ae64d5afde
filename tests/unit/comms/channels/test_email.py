"""E-mail through a real mail server over TLS with a login: whole, once, in threads, and honest about repetitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.comms.notices import Address
from tests.unit.comms.channels.mail_server import (
    PASSWORD,
    USER,
    MailServer,
    Security,
    open_mail_server,
    trusted,
)
from tests.unit.comms.channels.office import Office, make_policy, open_office

HOSTILE = "<script>alert(1)</script> & “quotes” <!channel> žluť 🚨"


@contextmanager
def mail_office(
    folder: Path, mails: MailServer, security: Security = "starttls", *, password: str = PASSWORD,
    certificate: str = "", addresses: tuple[str, ...] = ("team@example.com",), login: bool = True,
) -> Iterator[Office]:  # fmt: skip
    settings = {
        "transport": "smtp", "sender": "incidents@example.com", "host": "localhost", "port": mails.port,
        "security": security,
    }  # fmt: skip
    if login:
        settings |= {"user_env": "SMTP_USER", "password_env": "SMTP_PASSWORD"}
    policy = make_policy({"email": settings}, ["email"], addresses=list(addresses))
    with trusted() as path:
        environment = {"SMTP_USER": USER, "SMTP_PASSWORD": password, "SSL_CERT_FILE": certificate or path}
        with open_office(folder, policy, environment) as office:
            yield office


def plain(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_over_tls_with_a_login(security: Security, tmp_path: Path) -> None:
    with open_mail_server(security) as mails, mail_office(tmp_path, mails, security) as office:
        office.declare()
        office.work()
        (told,) = office.told("email")
    assert (told.state, mails.recipients) == ("sent", ["team@example.com"])
    assert told.receipt["server"] == "taken as 4711"


def test_the_fields_of_the_documents_template_word_for_word(tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails) as office:
        office.declare(impact="Nobody can scan bags")
        office.work()
    (message,) = mails.messages
    assert message["Subject"] == "[INCIDENT] TraitorTrack - P1-Critical - Database connection failure"
    words = plain(message)
    fields = [
        "INCIDENT DETAILS:", "- Severity: P1-Critical", "- Detected: 2026-03-01 12:00:00 UTC",
        "- Impact: Nobody can scan bags", "- Affected Components:", "- Status: Investigating", "CURRENT STATUS:",
        "NEXT STEPS:", "ESTIMATED RECOVERY:", "DR Coordinator:",
    ]  # fmt: skip
    places = [words.index(field) for field in fields]
    assert places == sorted(places)


def test_one_message_for_each_address_in_a_thread_for_each_incident(tmp_path: Path) -> None:
    with (
        open_mail_server() as mails,
        mail_office(tmp_path, mails, addresses=("a@example.com", "b@example.com")) as office,
    ):
        number = office.declare().id
        office.declare(title="Another", severity="P2")
        office.work()
        office.desk.update(number, actor="mei", text="Going on")
        office.desk.resolve(number, actor="mei", text="Over")
        office.work()
    assert len({message["Message-ID"] for message in mails.messages}) == 8
    assert all(str(message["To"]) == to for message, to in zip(mails.messages, mails.recipients, strict=True))
    of_a = [message for message in mails.messages if message["To"] == "a@example.com"]
    first = next(message for message in of_a if "connection failure" in message["Subject"])
    answers = [message for message in of_a if message["References"] == first["Message-ID"]]
    assert len(answers) == 2
    assert answers[-1]["Subject"].startswith("[RESOLVED] TraitorTrack - P1-Critical")
    assert all(message["In-Reply-To"] == first["Message-ID"] for message in answers)
    assert re.fullmatch(r"<delivery-\d+\.bulletin-\d+\.20260301T120000@holdfast\.example\.com>", first["Message-ID"])
    assert (first["Auto-Submitted"], "incidents.holdfast.example.com" in first["List-Id"]) == ("auto-generated", True)


def test_a_drill_says_so(tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails) as office:
        office.declare(drill=True)
        office.work()
    assert mails.messages[0]["Subject"].startswith("[DRILL]")
    assert "THIS IS A DRILL" in plain(mails.messages[0])
    assert "This is a drill." in html(mails.messages[0])


def test_what_people_wrote_arrives_as_written_and_is_not_obeyed(tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails) as office:
        office.declare(title=HOSTILE, impact=f"{HOSTILE}\n.\n..\nFrom here\n" + "x" * 3000)
        office.work()
    (message,) = mails.messages
    assert HOSTILE in message["Subject"]
    assert f"{HOSTILE}\n.\n..\nFrom here" in plain(message).replace("\r\n", "\n")
    assert "<script" not in html(message)
    assert "&lt;script&gt;alert(1)" in html(message)
    _read(html(message))


def test_a_lost_answer_is_sent_again_and_says_so(tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails) as office:
        mails.at_data = ["hang up"]
        office.declare()
        office.work()
        office.pass_time(10)
        (told,) = office.told("email")
    first, second = mails.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert "This may reach you twice" not in plain(first) + html(first)
    assert "This may reach you twice" in plain(second)
    assert "This may reach you twice" in html(second)
    assert (told.state, told.receipt["repeated"]) == ("sent", True)


@pytest.mark.parametrize(("where", "answer"), [
    ("at_rcpt", "hang up"), ("at_rcpt", "450 greylisted"), ("at_data", "451 later"), ("at_data", "421 too busy"),
])  # fmt: skip
def test_what_surely_was_not_sent_is_sent_once_and_says_nothing(where: str, answer: str, tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails) as office:
        setattr(mails, where, [answer])
        office.declare()
        office.work()
        office.pass_time(10)
        (told,) = office.told("email")
    assert (len(mails.messages), told.attempts, told.state) == (1, 2, "sent")
    assert "twice" not in plain(mails.messages[0])
    assert "repeated" not in told.receipt


@pytest.mark.parametrize(("where", "answer"), [("at_rcpt", "550 no such user"), ("at_data", "554 spam")])
def test_a_no_is_not_asked_again(where: str, answer: str, tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails) as office:
        setattr(mails, where, [answer] * 5)
        office.declare()
        office.work()
        office.pass_time(60)
        (told,) = office.told("email")
    assert (told.state, told.attempts, mails.messages) == ("failed", 1, [])
    assert answer in told.error


def test_a_wrong_password_names_the_variables_and_not_the_value(tmp_path: Path) -> None:
    with open_mail_server() as mails, mail_office(tmp_path, mails, password="wrong-secret-9") as office:
        office.declare()
        office.work()
        (told,) = office.told("email")
    assert told.state == "failed"
    assert "look at SMTP_USER and SMTP_PASSWORD" in told.error
    assert "wrong-secret-9" not in told.error


def test_a_server_that_cannot_prove_who_it_is_gets_no_password(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    import trustme  # noqa: PLC0415

    trustme.CA().cert_pem.write_to_path(str(stranger))
    with open_mail_server() as mails, mail_office(tmp_path, mails, certificate=str(stranger)) as office:
        office.declare()
        office.work()
        (told,) = office.told("email")
    assert (told.state, told.in_doubt, mails.messages) == ("retrying", False, [])
    assert "could not prove who it is" in told.error


def test_a_server_without_starttls_is_not_spoken_to_in_clear(tmp_path: Path) -> None:
    with open_mail_server(offers_tls=False) as mails, mail_office(tmp_path, mails) as office:
        office.declare()
        office.work()
        (told,) = office.told("email")
    assert (told.state, mails.messages) == ("failed", [])
    assert "STARTTLS" in told.error


def test_a_page_can_be_a_mail(tmp_path: Path) -> None:
    with open_mail_server("none") as mails, mail_office(tmp_path, mails, "none", login=False) as office:
        office.page("silence-1", [Address("email", "team@example.com")], summary="Slack does not work")
        office.work()
    assert mails.messages[0]["Subject"] == "[ATTENTION] TraitorTrack - Slack does not work"


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "img", "nothing is loaded from elsewhere"
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _read(text: str) -> None:
    """HTML whose elements are closed as they were opened."""
    parser = _Balance()
    parser.feed(text)
    assert parser.open == []
