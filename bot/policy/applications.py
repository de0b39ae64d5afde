"""The applications that must answer again after a recovery, and how to ask them."""

import re

from pydantic import Field, model_validator

from bot.policy.section import AbsolutePath, EnvironmentName, Section, Text, UrlPath, WebAddress
from bot.policy.verification import Verification

PASSWORD_IN_URL = re.compile(r"://[^\s/@:]*:[^\s/@]+@")


class Application(Section):
    """A web application of the product (document: Incident Response Runbook)."""

    title: Text
    """What people call it."""
    standby: bool = Field(default=False, examples=[True])
    """Whether it only runs after a failover: then nobody is called because it does not answer."""
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
    environment_file: AbsolutePath | None = Field(default=None, examples=["/opt/traitortrack/.env"])
    """File on its hosts that its environment is read from."""
    environment_secrets: list[EnvironmentName] = Field(default_factory=list, examples=[["SESSION_SECRET"]])
    """Keys of `secrets` that are written to it."""
    environment_fixed: dict[EnvironmentName, str] = Field(
        default_factory=dict, examples=[{"ENVIRONMENT": "production"}]
    )
    """Further variables that are written to it, with their values; nothing secret."""
    maintenance_file: AbsolutePath | None = Field(default=None, examples=["/opt/traitortrack/maintenance.html"])
    """Page that the web server answers every request but that for the health with, as long as the file is there."""
    verification: Verification | None = None
    """What a user does with it, to verify that it works."""

    @model_validator(mode="after")
    def check_environment(self) -> "Application":
        """Refuse a variable that has two sources, and values that a file of variables has no place for."""
        twice = [name for name in self.environment_secrets if name in self.environment_fixed]
        if twice:
            raise ValueError(f"{twice[0]} stands in `environment_secrets` and in `environment_fixed`")
        shown = [name for name, value in self.environment_fixed.items() if PASSWORD_IN_URL.search(value)]
        if shown:
            raise ValueError(f"{shown[0]} in `environment_fixed` holds a password: keep it in `secrets`")
        broken = [name for name, value in self.environment_fixed.items() if value and not value.isprintable()]
        if broken:
            raise ValueError(f"{broken[0]} in `environment_fixed` holds a line break or a control character")
        return self
