"""E-mail through Amazon SES, as the cloud of the tests has it."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ses.models import ses_backends

from bot.comms.channels.email import list_rights
from bot.policy import EmailSettings, load_policy
from bot.systems.far_side import FarSideRefused, FarSideUnanswered
from bot.systems.mail.ses import SesTransport
from tests.aws_calls import watch_calls
from tests.unit.comms.channels.vendors import Reply, Vendor, open_vendor

POLICY = load_policy(None)
REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The one that moto has by default."""


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # of a stage that other tests have in this process


def make_message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "TraitorTrack <incidents@example.com>"
    message["To"] = "team@example.com"
    message["Subject"] = "[INCIDENT] žluť"
    message["References"] = f"<delivery-1.bulletin-1.{'x' * 90}@holdfast.example.com>"
    message.set_content("text\n")
    message.add_alternative("<p>text</p>", subtype="html")
    return message


class Ses(Vendor):
    """Answers as SES does when something is wrong."""

    def act(self, path: str, headers: Any, body: Any) -> None:
        self.effects.append((path, body["Destination"]))


@mock_aws
def test_the_whole_message_goes_to_one_recipient() -> None:
    boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity="incidents@example.com")
    with watch_calls("email") as rights:
        receipt = SesTransport(REGION).send(make_message(), "team@example.com")
    settings = EmailSettings(transport="ses", region=REGION, sender="incidents@example.com")
    channels = POLICY.channels.model_copy(update={"email": settings})
    declared = list_rights(POLICY.model_copy(update={"channels": channels}))
    assert rights == set(declared) == {"ses:SendEmail", "ses:SendRawEmail"}
    assert "arn:aws:ses:us-east-1:*:identity/example.com" in declared["ses:SendRawEmail"]
    (sent,) = ses_backends[ACCOUNT][REGION].sent_messages
    assert receipt["ses_id"] == sent.id
    assert set(sent.destinations) == {"team@example.com"}
    assert f"References: <delivery-1.bulletin-1.{'x' * 90}@holdfast.example.com>\r\n" in sent.raw_data
    assert "multipart/alternative" in sent.raw_data


def test_a_name_in_other_letters_stands_in_the_message_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """SES takes no other letters than ASCII in its own fields (docs.aws.amazon.com, SendEmail: FromEmailAddress)."""
    message = make_message()
    message.replace_header("From", "Žluť <incidents@example.com>")
    senders: list[str] = []

    class Taker(Vendor):
        def act(self, path: str, headers: Any, body: Any) -> None:
            senders.append(body["FromEmailAddress"])

    vendor = Taker()
    with open_vendor(vendor):
        monkeypatch.setenv("AWS_ENDPOINT_URL", vendor.url)
        SesTransport(REGION).send(message, "team@example.com")
    assert senders == ["incidents@example.com"]


@mock_aws
def test_a_sender_that_is_not_verified_is_refused() -> None:
    with pytest.raises(FarSideRefused, match="The sender must be verified"):
        SesTransport(REGION).send(make_message(), "team@example.com")


@pytest.mark.parametrize(("reply", "not_begun"), [
    (Reply(429, b'{"message":"slow"}', {"x-amzn-ErrorType": "TooManyRequestsException"}, act=False), True),
    (Reply(500, b"{}"), False),
    (Reply(silent=True), False),
])  # fmt: skip
def test_no_answer_is_no_answer_and_asked_once(reply: Reply, not_begun: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = Ses()
    vendor.replies = [reply]
    with open_vendor(vendor):
        monkeypatch.setenv("AWS_ENDPOINT_URL", vendor.url)
        with pytest.raises(FarSideUnanswered) as caught:
            SesTransport(REGION).send(make_message(), "team@example.com")
    assert caught.value.not_begun is not_begun
    assert len(vendor.requests) == 1, "botocore must not repeat it by itself"
    assert vendor.requests[0]["path"] == "/v2/email/outbound-emails"


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = Ses()
    with open_vendor(vendor):
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", vendor.url)
    with pytest.raises(FarSideUnanswered) as caught:
        SesTransport(REGION).send(make_message(), "team@example.com")
    assert caught.value.not_begun
