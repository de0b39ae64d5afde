"""Modals and the home tab, as pure functions of loaded objects."""
