"""A Slack workspace on this machine: its Web API, Socket Mode, HTTP delivery, and what its page needs.

It shares no code with the bot: an app that talks to it talks to it as to Slack.
"""

from bot.sandbox.workspace.delivery.http import HttpDelivery
from bot.sandbox.workspace.delivery.socket import SocketDelivery
from bot.sandbox.workspace.people import Member, StartChannel, Usergroup
from bot.sandbox.workspace.server import build_workspace
from bot.sandbox.workspace.serving import serve
from bot.sandbox.workspace.stage import Stage
from bot.sandbox.workspace.workspace import Timing, Workspace

__all__ = [
    "HttpDelivery",
    "Member",
    "SocketDelivery",
    "Stage",
    "StartChannel",
    "Timing",
    "Usergroup",
    "Workspace",
    "build_workspace",
    "serve",
]
