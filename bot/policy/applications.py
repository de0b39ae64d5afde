"""The applications that must answer again after a recovery, and how to ask them."""

from pydantic import Field

from bot.policy.section import AbsolutePath, Section, Text, UrlPath, WebAddress
from bot.policy.verification import Verification


class Application(Section):
    """A web application of the product (document: Incident Response Runbook)."""

    title: Text
    """What people call it."""
    url: WebAddress
    """Address without a path."""
    health_path: UrlPath
    """Path of the health endpoint."""
    health_expect: dict[Text, Text] = Field(min_length=1)
    """Fields of the health answer, each with the value that means healthy."""
    stats_path: UrlPath
    """Path of the dashboard's figures."""
    login_path: UrlPath
    """Path that a login is posted to."""
    system_health_path: UrlPath
    """Path of the application's report on its host."""
    pool_path: UrlPath
    """Path of the report on its connection pool."""
    log_path: AbsolutePath
    """Log file on its host."""
    service: Text
    """Name of its systemd unit."""
    install_folder: AbsolutePath
    """Folder that its code is deployed to: releases in `releases`, and `current`, which leads to the one that runs."""
    session_folder: AbsolutePath
    """Folder of its sessions; losing them makes users log in again."""
    maintenance_file: AbsolutePath | None = Field(default=None, examples=["/opt/traitortrack/maintenance.html"])
    """Page that the web server answers every request but that for the health with, as long as the file is there."""
    verification: Verification | None = None
    """What a user does with it, to verify that it works."""
