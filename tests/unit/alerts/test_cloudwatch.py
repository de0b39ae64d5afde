"""CloudWatch through SNS: messages signed with a certificate that SNS serves, here one of our own making."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bot.alerts.alert import BadPayload, Unverified
from bot.alerts.call import Access, Call
from bot.alerts.sources import cloudwatch
from bot.outcome import Failed
from tests.unit.alerts.payloads import CLOUDWATCH_ALARM
from tests.unit.alerts.test_alert import NOW

TOPIC = "arn:aws:sns:us-east-1:123456789012:traitortrack-alarms"
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0000.pem"
SUBSCRIBE_URL = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
ACCESS = Access(topic_arns=(TOPIC,))
Json = dict[str, Any]


def make_certificate(issuer_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey, days: int = 1) -> bytes:
    def name(words: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])

    builder = x509.CertificateBuilder(
        issuer_name=name("Test CA"), subject_name=name("sns.amazonaws.com"), public_key=key.public_key(),
        serial_number=7, not_valid_before=NOW - timedelta(days=2), not_valid_after=NOW + timedelta(days=days),
    )  # fmt: skip
    return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.PEM)


class Sns:
    """Signs as SNS does, and serves its certificate."""

    def __init__(self) -> None:
        self.authority = rsa.generate_private_key(65537, 2048)
        self.key = rsa.generate_private_key(65537, 2048)
        self.certificate = make_certificate(self.authority, self.key)
        self.fetched: list[str] = []
        self.visited: list[str] = []
        self.down = False

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.down:
            raise requests.ConnectionError
        return self.certificate

    def visit(self, url: str) -> int:
        self.visited.append(url)
        if self.down:
            raise requests.Timeout
        return 200

    def sign(self, message: Json, version: str = "2", key: rsa.RSAPrivateKey | None = None) -> Json:
        signed = {**message, "SignatureVersion": version, "SigningCertURL": CERTIFICATE_URL}
        text = "".join(f"{name}\n{signed[name]}\n" for name in cloudwatch.SIGNED[message["Type"]] if name in signed)
        signature = (key or self.key).sign(text.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())
        return {**signed, "Signature": base64.b64encode(signature).decode()}


@pytest.fixture(scope="module")
def keys() -> Sns:
    return Sns()


@pytest.fixture
def sns(keys: Sns, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sns]:
    keys.fetched, keys.visited, keys.down = [], [], False
    monkeypatch.setattr(cloudwatch, "fetch_certificate", keys.fetch)
    monkeypatch.setattr(cloudwatch, "visit", keys.visit)
    cloudwatch._certificate.cache_clear()
    yield keys
    cloudwatch._certificate.cache_clear()


def notification(**changed: Any) -> Json:
    return {
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC,
        "Subject": "ALARM", "Message": json.dumps(CLOUDWATCH_ALARM), "Timestamp": "2026-03-01T11:59:30.000Z", **changed,
    }  # fmt: skip


def confirmation(**changed: Any) -> Json:
    return {
        "Type": "SubscriptionConfirmation", "MessageId": "1", "Token": "t", "TopicArn": TOPIC, "Message": "You have…",
        "SubscribeURL": SUBSCRIBE_URL, "Timestamp": "2026-03-01T11:59:30.000Z", **changed,
    }  # fmt: skip


def verify(message: Json, access: Access = ACCESS) -> None:
    cloudwatch.verify(Call({}, json.dumps(message).encode(), NOW), access)


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_are_taken(sns: Sns, version: str) -> None:
    verify(sns.sign(notification(), version))
    verify(sns.sign(confirmation(), version))
    without_subject = notification()
    del without_subject["Subject"]
    verify(sns.sign(without_subject, version))


def test_the_certificate_is_fetched_once(sns: Sns) -> None:
    for number in range(5):
        verify(sns.sign(notification(MessageId=str(number))))
    assert sns.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
def test_whatever_is_changed_afterwards_shows(sns: Sns, field: str) -> None:
    value = "2026-03-01T11:59:31.000Z" if field == "Timestamp" else "changed"
    access = Access(topic_arns=(TOPIC, "changed"))
    with pytest.raises(Unverified, match="does not fit"):
        verify({**sns.sign(notification()), field: value}, access)


def test_somebody_elses_key_does_not_fit(sns: Sns) -> None:
    with pytest.raises(Unverified, match="does not fit"):
        verify(sns.sign(notification(), key=sns.authority))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TopicArn": "arn:aws:sns:us-east-1:999999999999:other"}, "topic"),
        ({"Timestamp": "2026-03-01T10:59:00.000Z"}, "last hour"),
        ({"Timestamp": "2026-03-01T12:06:00.000Z"}, "last hour"),
        ({"Timestamp": "now"}, "ISO 8601"),
        ({"Timestamp": "2026-03-01T11:59:30"}, "last hour"),
        ({"SignatureVersion": "3"}, "SignatureVersion"),
        ({"Signature": "not base64!"}, "does not fit"),
        ({"Signature": None}, "does not fit"),
        ({"Type": "Other"}, "Type"),
    ],
)
def test_what_is_not_right_is_refused(sns: Sns, changes: Json, reason: str) -> None:
    with pytest.raises(Unverified, match=reason):
        verify({**sns.sign(notification()), **changes})


BAD_HOSTS = [
    "http://sns.us-east-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
    "https://evil.example/sns.us-east-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
    "https://user:pass@sns.us-east-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com:8443/x.pem",
    "https://s3.amazonaws.com/sns/x.pem", "https://evil.sns.us-east-1.amazonaws.com/x.pem", "https://169.254.169.254/x.pem",
    "https://sns.us-east-1.amazonaws.com\\@evil.example/x.pem", "file:///etc/x.pem", "", None, 7, "https://[/x.pem",
    "https://sns.us-east-1.amazonaws.com\n.evil.example/x.pem",
]  # fmt: skip


@pytest.mark.parametrize("url", [*BAD_HOSTS, "https://sns.us-east-1.amazonaws.com/x.txt"])
def test_certificates_come_from_sns_alone(sns: Sns, url: object) -> None:
    with pytest.raises(Unverified, match="SigningCertURL"):
        verify({**sns.sign(notification()), "SigningCertURL": url})
    assert sns.fetched == []


def test_china_has_hosts_of_its_own(sns: Sns) -> None:
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem"
    verify({**sns.sign(notification()), "SigningCertURL": url})
    assert sns.fetched == [url]


def test_a_certificate_that_is_over_is_refused(sns: Sns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns, "certificate", make_certificate(sns.authority, sns.key, days=-1))
    with pytest.raises(Unverified, match="not valid at this time"):
        verify(sns.sign(notification()))


def test_what_is_no_certificate_is_refused(sns: Sns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns, "certificate", b"<html>")
    with pytest.raises(Unverified, match="not a certificate"):
        verify(sns.sign(notification()))


def test_sns_is_to_send_it_again_when_its_certificate_cannot_be_fetched(sns: Sns) -> None:
    sns.down = True
    with pytest.raises(Failed):
        verify(sns.sign(notification()))
    sns.down = False
    verify(sns.sign(notification()))


def test_a_subscription_is_confirmed_by_a_visit(sns: Sns) -> None:
    cloudwatch.confirm(confirmation())
    assert sns.visited == [SUBSCRIBE_URL]
    cloudwatch.confirm(notification(SubscribeURL=SUBSCRIBE_URL))
    assert len(sns.visited) == 1
    assert cloudwatch.parse(confirmation(), NOW) == []


@pytest.mark.parametrize("url", BAD_HOSTS)
def test_nothing_else_is_visited(sns: Sns, url: object) -> None:
    with pytest.raises(BadPayload, match="SubscribeURL"):
        cloudwatch.confirm(confirmation(SubscribeURL=url))
    assert sns.visited == []


def test_a_subscription_that_cannot_be_confirmed_is_asked_for_again(sns: Sns) -> None:
    sns.down = True
    with pytest.raises(Failed, match="did not answer"):
        cloudwatch.confirm(confirmation())


def test_an_alarm_becomes_an_alert() -> None:
    alert = cloudwatch.parse(notification(), NOW)[0]
    assert (alert.title, alert.state, alert.fingerprint) == ("traitortrack cpu", "firing", CLOUDWATCH_ALARM["AlarmArn"])
    assert alert.at == NOW - timedelta(minutes=1)
    assert alert.labels == {
        "DBInstanceIdentifier": "traitortrack", "account": "123456789012", "alertname": "traitortrack cpu",
        "metric": "CPUUtilization", "namespace": "AWS/RDS", "region": "us-east-1",
    }  # fmt: skip
    assert alert.link == (
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/traitortrack%20cpu"
    )


@pytest.mark.parametrize(("value", "states"), [("OK", ["resolved"]), ("INSUFFICIENT_DATA", []), ("ALARM", ["firing"])])
def test_states_of_alarms(value: str, states: list[str]) -> None:
    message = notification(Message=json.dumps({**CLOUDWATCH_ALARM, "NewStateValue": value}))
    assert [alert.state for alert in cloudwatch.parse(message, NOW)] == states


@pytest.mark.parametrize("message", ["Plain words", '{"Event Message": "Failover"}', "[1]", "{"])
def test_other_messages_of_the_topic_are_not_lost(message: str) -> None:
    alert = cloudwatch.parse(notification(Subject="RDS event", Message=message), NOW)[0]
    assert (alert.title, alert.text, alert.state) == ("RDS event", message, "firing")
