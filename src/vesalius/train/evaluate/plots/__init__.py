"""Plots of an evaluation, as PNG, drawn without a display."""
