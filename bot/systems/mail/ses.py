"""E-mail through Amazon SES, API v2: SendEmail with the whole message. SES puts its own Message-ID and Date.

It knows no key for doing a thing once, so a lost answer leaves it open whether the mail was sent.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from bot.systems.aws import open_client
from bot.systems.far_side import FarSideRefused, FarSideUnanswered
from bot.systems.mail import WIRE
from bot.words import cut

ONCE = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
"""botocore must not repeat by itself what may have been carried out."""
LATER = ("TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException")
NOT_BEGUN = (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError)
SERVER_ERROR = 500
SHOWN = 300


class SesTransport:
    """Credentials and, for tests, the endpoint come from boto3's own environment variables."""

    def __init__(self, region: str) -> None:
        self.region = region

    def send(self, message: EmailMessage, recipient: str) -> dict[str, str]:
        """Give SES's id of the message."""
        try:
            client: Any = open_client("sesv2", region_name=self.region, config=ONCE)
            answer = client.send_email(
                FromEmailAddress=message["From"].addresses[0].addr_spec,  # a name in other letters it would refuse
                Destination={"ToAddresses": [recipient]},
                Content={"Raw": {"Data": message.as_bytes(policy=WIRE)}},
            )
        except ClientError as error:
            raise _translate(error) from error
        except BotoCoreError as error:
            not_begun = isinstance(error, NOT_BEGUN)
            raise FarSideUnanswered(f"SES did not answer ({type(error).__name__})", not_begun=not_begun) from error
        return {"ses_id": str(answer.get("MessageId", "not given"))}


def _translate(error: ClientError) -> Exception:
    code = error.response["Error"].get("Code", "?")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in LATER:
        return FarSideUnanswered(f"SES wants fewer requests ({code})", not_begun=True)
    if status >= SERVER_ERROR:
        return FarSideUnanswered(f"SES answered {status} {code}")
    words = cut(error.response["Error"].get("Message", ""), SHOWN)
    return FarSideRefused(f"SES refused it: {words} ({code}). The sender must be verified, and the role allowed it.")
