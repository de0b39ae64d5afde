"""CloudWatch alarms through Amazon SNS, over an HTTPS subscription of a topic that the policy lists.

Signatures: docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html; fields of a message:
…/sns-message-and-json-formats.html.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from bot.alerts.alert import BadPayload, Incoming, State, Unverified, make_incoming, need, read_time
from bot.alerts.call import Access, Call
from bot.outcome import Failed

NAME = "cloudwatch"
HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""What is signed, in this order."""
HASHES: dict[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
STATES: dict[str, State] = {"ALARM": "firing", "OK": "resolved"}
"""What else there is, INSUFFICIENT_DATA, says neither."""
NOT_OLDER_THAN = timedelta(hours=1)
"""SNS tries for an hour at most; what is older was recorded by somebody."""
CLOCKS_DIFFER_BY = timedelta(minutes=5)
TIMEOUT_S = 5


def verify(call: Call, access: Access) -> None:
    """Topic, time, and a signature whose certificate SNS itself serves."""
    message = call.read_json()
    _require_topic(message, access)
    _require_recent(message, call.now)
    url = str(message.get("SigningCertURL"))
    if not _is_of_sns(url) or not urlsplit(url).path.endswith(".pem"):
        raise Unverified("SigningCertURL is not a certificate at an https address of SNS.")
    _require_signature(message, _certificate(url), call.now)


def confirm(payload: dict[str, Any]) -> None:
    """Visit the address that confirms a subscription. Raises `BadPayload`, or `Failed` where SNS does not answer."""
    if payload.get("Type") != "SubscriptionConfirmation":
        return
    url = payload.get("SubscribeURL")
    if not _is_of_sns(url):
        raise BadPayload("`SubscribeURL` is not an https address of SNS.")
    try:
        status = visit(str(url))
    except requests.RequestException as error:
        raise Failed(
            f"SNS did not answer: {type(error).__name__}.", "The subscription is not confirmed.", ""
        ) from error
    if status != requests.codes.ok:
        raise Failed(f"SNS answered {status}.", "The subscription is not confirmed.", "")


def parse(payload: dict[str, Any], now: datetime) -> list[Incoming]:
    """The alarm of a notification; other messages of the topic are alerts that only fire."""
    if payload.get("Type") != "Notification":
        return []
    message = need(payload, "Message", str)
    alarm = _read_alarm(message)
    if alarm is None:
        return [_parse_other(payload, message, now)]
    state = STATES.get(str(alarm["NewStateValue"]))
    return [_parse_alarm(payload, alarm, state, now)] if state else []


def fetch_certificate(url: str) -> bytes:
    """The certificate in PEM. Its address has been checked; TLS proves who serves it."""
    answer = requests.get(url, timeout=TIMEOUT_S, allow_redirects=False)
    answer.raise_for_status()
    return answer.content


def visit(url: str) -> int:
    """The status that an address answers with."""
    return requests.get(url, timeout=TIMEOUT_S, allow_redirects=False).status_code


@lru_cache(maxsize=16)
def _certificate(url: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(fetch_certificate(url))
    except requests.RequestException as error:
        raise Failed(
            "The certificate of SNS cannot be fetched.", "Nothing was taken.", "SNS sends it again."
        ) from error
    except ValueError as error:
        raise Unverified("What SigningCertURL leads to is not a certificate.") from error


def _require_topic(message: dict[str, Any], access: Access) -> None:
    if message.get("TopicArn") not in access.topic_arns:
        raise Unverified("The topic is not in `alerts.sources.cloudwatch.topic_arns` of the policy.")


def _require_recent(message: dict[str, Any], now: datetime) -> None:
    """What was recorded and is sent once more is refused."""
    try:
        sent_at = datetime.fromisoformat(str(message.get("Timestamp")))
    except ValueError as error:
        raise Unverified("`Timestamp` is not an ISO 8601 time.") from error
    if sent_at.tzinfo is None or not now - NOT_OLDER_THAN <= sent_at <= now + CLOCKS_DIFFER_BY:
        raise Unverified("`Timestamp` is not of the last hour.")


def _is_of_sns(url: object) -> bool:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and HOST.fullmatch(parts.netloc) is not None
    except ValueError:
        return False


def _require_signature(message: dict[str, Any], certificate: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Unverified("The certificate is not valid at this time.")
    key, algorithm = certificate.public_key(), HASHES.get(str(message.get("SignatureVersion")))
    if not isinstance(key, RSAPublicKey) or algorithm is None:
        raise Unverified("SignatureVersion must be 1 or 2, with an RSA key.")
    try:
        signature = base64.b64decode(str(message.get("Signature")), validate=True)
        key.verify(signature, _signed_text(message).encode("utf-8", "surrogatepass"), PKCS1v15(), algorithm())
    except (binascii.Error, ValueError, InvalidSignature) as error:
        raise Unverified("The signature does not fit the message.") from error


def _signed_text(message: dict[str, Any]) -> str:
    names = SIGNED.get(str(message.get("Type")))
    if names is None:
        raise Unverified(f"`Type` must be one of: {', '.join(SIGNED)}.")
    return "".join(f"{name}\n{message[name]}\n" for name in names if isinstance(message.get(name), str))


def _read_alarm(message: str) -> dict[str, Any] | None:
    try:
        alarm = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return alarm if isinstance(alarm, dict) and alarm.get("AlarmName") and "NewStateValue" in alarm else None


def _parse_alarm(payload: dict[str, Any], alarm: dict[str, Any], state: State, now: datetime) -> Incoming:
    arn = str(alarm.get("AlarmArn") or "")
    trigger = alarm.get("Trigger")
    trigger = trigger if isinstance(trigger, dict) else {}
    own = {
        "alertname": alarm["AlarmName"], "region": _region(arn), "account": alarm.get("AWSAccountId"),
        "metric": trigger.get("MetricName"), "namespace": trigger.get("Namespace"),
    }  # fmt: skip
    return make_incoming(
        NAME,
        fingerprint=arn or f"{payload.get('TopicArn')} {alarm['AlarmName']}",
        title=alarm["AlarmName"],
        state=state,
        at=read_time(alarm.get("StateChangeTime"), now),
        text="\n".join(str(alarm[name]) for name in ("AlarmDescription", "NewStateReason") if alarm.get(name)),
        labels={**_dimensions(trigger.get("Dimensions")), **{name: value for name, value in own.items() if value}},
        link=_console(_region(arn), str(alarm["AlarmName"])),
        payload=alarm,
    )


def _parse_other(payload: dict[str, Any], message: str, now: datetime) -> Incoming:
    subject = str(payload.get("Subject") or message.strip().partition("\n")[0])
    topic = str(payload.get("TopicArn"))
    return make_incoming(
        NAME,
        fingerprint=hashlib.sha256(f"{topic}\n{subject}".encode("utf-8", "surrogatepass")).hexdigest(),
        title=subject,
        state="firing",
        at=read_time(payload.get("Timestamp"), now),
        text=message,
        labels={"topic": topic.rpartition(":")[2]},
        payload=payload,
    )


def _dimensions(found: object) -> dict[str, object]:
    """Name and value, written small or large as CloudWatch does now one way, now the other."""
    pairs = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {str(one.get("name", one.get("Name"))): one.get("value", one.get("Value")) for one in pairs}


def _region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 6 and re.fullmatch(r"[a-z0-9-]+", parts[3]) else ""


def _console(region: str, alarm: str) -> str:
    """Where people look at the alarm; empty where the region is not known."""
    if not region:
        return ""
    host = "console.amazonaws.cn" if region.startswith("cn-") else "console.aws.amazon.com"
    return f"https://{region}.{host}/cloudwatch/home?region={region}#alarmsV2:alarm/{quote(alarm, safe='')}"
