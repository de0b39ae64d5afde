"""Playbooks: ordered steps for a kind of disaster, under one approval or several, on one clock."""
