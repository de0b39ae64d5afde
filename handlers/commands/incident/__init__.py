"""/incident: one subcommand a file."""
