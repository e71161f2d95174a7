"""Formats in and out: a scan becomes a `Volume`, a result becomes a file."""

from vesalius.io.describe import SeriesSummary, describe
from vesalius.io.files import read, read_all, write

__all__ = ["SeriesSummary", "describe", "read", "read_all", "write"]
