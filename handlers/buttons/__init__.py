"""Buttons: one file for each thing that can be pressed; copy a neighbour."""
