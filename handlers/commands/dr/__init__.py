"""/dr: one subcommand a file."""
