"""Block Kit as pure functions of loaded objects; every text is cut to Slack's limits here and nowhere else."""
