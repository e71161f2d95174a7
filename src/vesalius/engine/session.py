"""A model folder opened for work: its networks compiled once, for as many scans as come."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from vesalius.engine.backend import Backend
from vesalius.engine.choose import EngineChoice, open_backend
from vesalius.engine.plan import tile_shape
from vesalius.models.folder import ModelFolder
from vesalius.models.spec import ModelSpec, NetworkSpec


class Networks(Protocol):
    """The opened networks of a model: a `Session`, or a network that is still in training."""

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""

    def backend(self, network: NetworkSpec) -> Backend:
        """One of its networks, opened."""


class Session:
    """The networks of ``folder``, each opened when it is first asked for and kept.

    `open_all` may run in another thread while the scan is still being read: both take their time, and compiling a
    network leaves Python free.
    """

    def __init__(self, folder: ModelFolder, choice: EngineChoice) -> None:
        self.folder = folder
        self._choice = choice
        self._backends: dict[str, Backend] = {}
        self._locks = {network.graph: Lock() for network in folder.networks}

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return self.folder.spec

    def backend(self, network: NetworkSpec) -> Backend:
        """The opened ``network``, for tiles of its own size and the model's channels.

        Raises:
            UsageError: what was asked for cannot run this network here.
        """
        with self._locks[network.graph]:
            if network.graph not in self._backends:
                shape = (1, len(self.folder.spec.channels), *tile_shape(network.grid))
                self._backends[network.graph] = open_backend(self.folder, network, shape, self._choice)
            return self._backends[network.graph]

    def open_all(self) -> None:
        """Open every network of the model."""
        for network in reversed(self.folder.networks):  # the locator, which runs first, is named last
            self.backend(network)
