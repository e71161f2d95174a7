"""``vesalius doctor``: what this machine has, what works, what to install."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vesalius.cli.show import as_json, size

if TYPE_CHECKING:
    from vesalius.cli.machine import Findings


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what this machine has, what works, what to install."""
    from vesalius.cli.machine import examine

    found = examine()
    typer.echo(as_json(found.as_dict()) if json else text(found))
    if not found.ready:
        raise typer.Exit(1)


def text(found: Findings) -> str:
    """The findings for a person."""
    machine = found.machine
    lines = [
        f"vesalius {found.vesalius}, Python {machine.python}, {machine.system}",
        f"processor: {machine.processor}, {machine.cores} cores, {' '.join(machine.arithmetic)}",
        f"memory: {size(machine.memory_bytes)}, {size(machine.memory_free_bytes)} free",
        f"disk: {size(machine.disk_free_bytes)} free here",
        f"cache: {found.cache.folder}, {'writable' if found.cache.writable else 'not writable; set VESALIUS_CACHE'}",
    ]
    lines += [" ".join(filter(None, (f"engine {e.name}:", e.version, e.note))) for e in found.engines]
    lines += [f"extra {extra.name}: {extra.note}" for extra in found.extras]
    lines.append("vesalius analyze can run" if found.ready else "vesalius analyze cannot run: no engine loads")
    return "\n".join(lines)
