"""Slash commands: one subcommand a file; copy a neighbour. Help is written from each one's usage."""
