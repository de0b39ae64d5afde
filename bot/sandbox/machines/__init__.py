"""The sandbox's servers: a folder that is a machine's disk, and an init process that keeps the application.

There is no chroot. From outside a machine's disk begins with `/machine/`: whoever hands a command to a machine (the
cloud's SSM, an SSH server of a test) puts the folder in its place (`Disk.inward`), and the other way round in what the
command prints. What is on a disk, `Disk` tells.

The application is started by `Service`: out of the release folder that `current` leads to, where there is one, with
what stands in the environment file, as systemd does by EnvironmentFile. A machine of the cloud is an init process of
its own (`python -m bot.sandbox.machines`), so that it can be killed with all that runs on it.
"""
