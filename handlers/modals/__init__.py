"""Modals: one form a file, with opening and submission side by side; copy a neighbour."""
