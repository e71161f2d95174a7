"""What stands in the way of training on a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (error) or that somebody should look at (warning).

    ``code`` names the kind of finding for programs; ``case`` is empty where it is about the data set as a whole.
    """

    severity: Literal["error", "warning"]
    code: str
    case: str
    message: str

    def __str__(self) -> str:
        return f"the case {self.case}: {self.message}" if self.case else self.message


def error(code: str, case: str, message: str) -> Finding:
    """A finding that training refuses, or that makes its result worthless."""
    return Finding("error", code, case, message)


def warning(code: str, case: str, message: str) -> Finding:
    """A finding that may be as it should be."""
    return Finding("warning", code, case, message)
