"""Everything that a surface may use, put together by `bot.app` and handed to handlers, terminal and web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slack_sdk import WebClient

from bot.alerts.desk import AlertDesk
from bot.alerts.prober import HealthProber
from bot.comms.bulletins import Bulletins
from bot.comms.delivery_log import DeliveryLog
from bot.comms.notices import Notices
from bot.comms.pinning import Pinning
from bot.comms.prose import Prose
from bot.comms.status_site.site import Renewals
from bot.comms.update_desk import UpdateDesk
from bot.diagnostics.pictures import Pictures
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Series
from bot.diagnostics.sweeps import Sweeps
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.incidents.on_call import OnCall
from bot.incidents.pins import Pins
from bot.incidents.web_access import WebAccess
from bot.policy import Policy
from bot.postmortem.drafts import Drafts
from bot.recovery.action import World
from bot.recovery.approvals import Approvals
from bot.recovery.break_glass import BreakGlass
from bot.recovery.handovers import Handovers
from bot.recovery.plans import Plans
from bot.recovery.playbooks.desk import Playbooks
from bot.recovery.runs import Runs
from bot.settings import Settings
from bot.slack.directory import Directory
from bot.store.database import Database


@dataclass(frozen=True)
class Services:
    settings: Settings
    policy: Policy
    database: Database
    engine: Engine
    world: World
    slack: WebClient
    directory: Directory
    desk: Desk
    alerts: AlertDesk
    prober: HealthProber
    series: Series
    sampler: Sampler
    pictures: Pictures
    notices: Notices
    pins: Pins
    pinning: Pinning
    bulletins: Bulletins
    updates: UpdateDesk
    on_call: OnCall
    lacking_channels: Mapping[str, str]
    """Channels that the policy sets up and that cannot be used, each with the reason."""
    status_site: Renewals | None
    """The built-in status page, where the policy sets it up."""
    deliveries: DeliveryLog
    prose: Prose
    sweeps: Sweeps
    plans: Plans
    approvals: Approvals
    break_glass: BreakGlass
    handovers: Handovers
    runs: Runs
    playbooks: Playbooks
    drafts: Drafts
    web_access: WebAccess
