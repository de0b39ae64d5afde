"""The two ways in which Slack hands an app what happened: Socket Mode and HTTP."""
