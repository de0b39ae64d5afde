"""The built-in status page: each bulletin has it written anew, from everything that was published."""

from __future__ import annotations

from bot.comms.channels import Wiring
from bot.comms.deliveries import ChannelDown, ChannelRefused, Parcel, Receipt
from bot.comms.status_site.site import StatusSite, open_place
from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.systems.site_files import SitePlace

NAME = "status_site"


class StatusSiteChannel:
    """Writing it twice is writing it once, so an attempt that may have come through is simply made again."""

    name = NAME

    def __init__(self, site: StatusSite, place: SitePlace) -> None:
        self.site, self.place = site, place

    def send(self, parcel: Parcel) -> Receipt:
        """Raises `ChannelRefused` or `ChannelDown`."""
        try:
            return {"files": self.site.build(self.place)}
        except Refused as refusal:
            raise ChannelRefused(refusal.words) from refusal
        except (OSError, Failed) as error:
            raise ChannelDown(f"the status page could not be written: {error}") from error


def build(wiring: Wiring) -> StatusSiteChannel:
    """Rights are AWS's own affair: its role, or its variables of the environment."""
    settings = wiring.policy.channels.status_site
    assert settings is not None  # built for what the policy sets up
    return StatusSiteChannel(StatusSite(wiring.database, wiring.policy), open_place(settings))


def list_rights(policy: Policy) -> dict[str, tuple[str, ...]]:
    """To write and remove files below its place in a bucket, and to see which are there; a folder needs none."""
    settings = policy.channels.status_site
    if settings is None or settings.folder or settings.location is None:
        return {}
    bucket = f"arn:aws:s3:::{settings.location.bucket}"
    files = (f"{bucket}/{settings.location.prefix}*",)
    return {"s3:DeleteObject": files, "s3:ListBucket": (bucket,), "s3:PutObject": files}
