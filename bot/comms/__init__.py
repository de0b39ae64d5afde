"""Telling people: notices, their deliveries, and the incident's room."""
