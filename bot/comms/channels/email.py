"""E-mail: one message for each address, in plain text and HTML, together in one thread for each incident.

Every message has a Message-ID of its own that no retry changes, by which mail programs that look can drop a repetition.
Neither SMTP nor the vendors have a key for doing a thing once, so what is sent again after a lost answer says so.
"""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import sqlalchemy as sa

from bot.comms.channels import NotSetUp, Wiring
from bot.comms.deliveries import Parcel, Receipt
from bot.comms.outgoing import Outgoing, OutgoingBulletin
from bot.comms.phrasing import Phrasing
from bot.comms.sending import far_side_outcomes, open_parcel
from bot.policy import EmailSettings, Policy
from bot.store.tables import Delivery, Notice
from bot.systems.mail import MailTransport
from bot.systems.mail.sendgrid import SendGridTransport
from bot.systems.mail.ses import SesTransport
from bot.systems.mail.smtp import SmtpTransport
from bot.words import cut

NAME = "email"
SUBJECT_LIMIT = 250


class Mail:
    """Writes messages and hands them to its transport."""

    name = NAME

    def __init__(self, wiring: Wiring, settings: EmailSettings, transport: MailTransport) -> None:
        self.wiring, self.settings, self.transport = wiring, settings, transport
        self.phrasing = Phrasing(wiring.policy, wiring.prose)
        self.domain = f"holdfast.{settings.sender.rpartition('@')[2]}"

    def send(self, parcel: Parcel) -> Receipt:
        if parcel.sent_before:  # what is in a mailbox stays as it is
            return parcel.delivery.receipt
        outgoing = open_parcel(self.wiring.database, parcel)
        message = self.write(parcel, outgoing)
        with far_side_outcomes():
            named = self.transport.send(message, parcel.delivery.recipient)
        receipt: Receipt = {"message_id": str(message["Message-ID"]), **named}
        return {**receipt, "repeated": True} if parcel.may_have_been_sent else receipt

    def write(self, parcel: Parcel, outgoing: Outgoing) -> EmailMessage:
        """The whole message; the same at every attempt but for a word that it may be a repetition."""
        repeated = parcel.may_have_been_sent
        subject = cut(self.phrasing.line("email", "subject.txt", outgoing), SUBJECT_LIMIT)
        message = EmailMessage()
        message["From"] = f"{_name(self.wiring.policy.product)} <{self.settings.sender}>"
        message["To"] = parcel.delivery.recipient
        message["Subject"] = subject
        message["Date"] = format_datetime(parcel.notice.created_at)
        message["Message-ID"] = self._message_id(parcel.delivery.id, parcel.notice.created_at, outgoing)
        self._thread(message, parcel)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
        message["X-Auto-Response-Suppress"] = "All"
        message["List-Id"] = f"{_name(self.wiring.policy.product)} incidents <incidents.{self.domain}>"
        message.set_content(
            self.phrasing.text("email", "body.txt", outgoing, repeated=repeated), cte="quoted-printable"
        )
        html = self.phrasing.html("email", "body.html", outgoing, subject=subject, repeated=repeated)
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        return message

    def _message_id(self, delivery_id: int, said_at: datetime, outgoing: Outgoing) -> str:
        """Numbers begin anew where the store was lost, hence the time."""
        about = f"bulletin-{outgoing.bulletin_id}" if isinstance(outgoing, OutgoingBulletin) else "page"
        return f"<delivery-{delivery_id}.{about}.{said_at:%Y%m%dT%H%M%S}@{self.domain}>"

    def _thread(self, message: EmailMessage, parcel: Parcel) -> None:
        """What this address was told first of the incident is what all the rest answers."""
        root = self._first(parcel)
        if root and root != message["Message-ID"]:
            message["In-Reply-To"] = root
            message["References"] = root

    def _first(self, parcel: Parcel) -> str:
        if parcel.incident is None:
            return ""
        query = (
            sa.select(Delivery.receipt)
            .join(Notice, Notice.id == Delivery.notice_id)
            .where(
                Notice.incident_id == parcel.incident.id,
                Delivery.channel == NAME,
                Delivery.recipient == parcel.delivery.recipient,
                Delivery.id < parcel.delivery.id,
            )
            .order_by(Delivery.id)
        )
        with self.wiring.database.read() as session:
            receipts = list(session.scalars(query))
        return next((str(one["message_id"]) for one in receipts if one.get("message_id")), "")


def build(wiring: Wiring) -> Mail:
    """Raises `NotSetUp` where the transport lacks a secret."""
    settings = wiring.policy.channels.email
    if settings is None:
        raise NotSetUp("the policy does not set it up")
    return Mail(wiring, settings, choose_transport(wiring, settings))


def list_rights(policy: Policy) -> dict[str, tuple[str, ...]]:
    """SES checks the sender's identity, which is the address or its domain, whichever was verified.

    A whole message counts as raw, also in API v2, and is allowed by the right that API v1 had for that.
    """
    settings = policy.channels.email
    if settings is None or settings.transport != "ses":
        return {}
    identities = (settings.sender, settings.sender.rpartition("@")[2])
    on = tuple(f"arn:aws:ses:{settings.region}:*:identity/{identity}" for identity in identities)
    return {"ses:SendEmail": on, "ses:SendRawEmail": on}


def choose_transport(wiring: Wiring, settings: EmailSettings) -> MailTransport:
    """What the policy asks for. Raises `NotSetUp`."""
    if settings.transport == "smtp":
        wiring.require(settings.user_env, settings.password_env)
        return SmtpTransport(
            settings.host or "", settings.port, settings.security, wiring.environment,
            user_env=settings.user_env, password_env=settings.password_env,
        )  # fmt: skip
    if settings.transport == "sendgrid":
        wiring.require(settings.api_key_env)
        return SendGridTransport(settings.api_url, settings.api_key_env or "", wiring.environment)
    return SesTransport(settings.region or "")


def _name(product: str) -> str:
    """A product's name inside a header: letters, digits and spaces need no quoting."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in product).split())
