"""Servers: an EC2 instance is a machine of `bot.sandbox.machines`, reached by SSM, behind a proxy that balances."""
