"""An exception → the sentence on standard error and the exit code."""

from __future__ import annotations

import errno

import typer

from vesalius.errors import VesaliusError

_FULL = {errno.ENOSPC, errno.EDQUOT}


def describe(error: BaseException) -> tuple[str, int]:
    """What to tell the user about ``error``, and the exit code: 2, 3 or 4 where we know whose fault it is, else 1."""
    if isinstance(error, VesaliusError):
        return str(error), error.exit_code
    if isinstance(error, typer.TyperException):
        return _usage(error), 2
    if isinstance(error, MemoryError):
        return "the machine ran out of memory; close other programs, or run it on a machine with more", 4
    if isinstance(error, OSError) and error.errno in _FULL:
        where = f" while writing {error.filename}" if error.filename else ""
        return f"the disk is full{where}; free some space and run again", 4
    text = " ".join(str(error).split())
    return f"unexpected {type(error).__name__}: {text or 'no message'}; run it again with --debug for the details", 1


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "vesalius"
    sentence = error.format_message().rstrip(".")
    return f"{sentence[:1].lower()}{sentence[1:]}; see: {command} --help"
