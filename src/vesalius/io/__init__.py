"""Formats in and out: a scan becomes a `Volume`, a result becomes a file."""

from vesalius.io.aside import aside, aside_folder
from vesalius.io.describe import SeriesSummary, describe
from vesalius.io.files import read, read_all, write

__all__ = ["SeriesSummary", "aside", "aside_folder", "describe", "read", "read_all", "write"]
