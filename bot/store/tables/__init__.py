"""The tables. Loaded rows are plain objects: the surfaces read them after the session is closed."""

from bot.store.tables.alerts import Alert, AlertGroup, Probe
from bot.store.tables.base import Json, Table
from bot.store.tables.comms import Bulletin, ChannelSilence, ComponentOutage, Delivery, Notice, UpdateClock
from bot.store.tables.diagnostics import ChartPicture, Meter, Sample, Sweep
from bot.store.tables.incidents import Incident, IncidentMember, IncidentRole, Link, PinnedMessage, Postmortem, Task
from bot.store.tables.ledger import LedgerEntry, LedgerHead
from bot.store.tables.people import SlackEvent, SlackUser
from bot.store.tables.playbooks import PlaybookRun, PlaybookTask
from bot.store.tables.recovery import Approval, Handover, Lock, Plan, Run, RunOutput, RunStep

__all__ = [
    "Alert",
    "AlertGroup",
    "Approval",
    "Bulletin",
    "ChannelSilence",
    "ChartPicture",
    "ComponentOutage",
    "Delivery",
    "Handover",
    "Incident",
    "IncidentMember",
    "IncidentRole",
    "Json",
    "LedgerEntry",
    "LedgerHead",
    "Link",
    "Lock",
    "Meter",
    "Notice",
    "PinnedMessage",
    "Plan",
    "PlaybookRun",
    "PlaybookTask",
    "Postmortem",
    "Probe",
    "Run",
    "RunOutput",
    "RunStep",
    "Sample",
    "SlackEvent",
    "SlackUser",
    "Sweep",
    "Table",
    "Task",
    "UpdateClock",
]
