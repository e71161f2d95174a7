"""A model folder opened for work: its networks compiled once, for as many scans as come."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from vesalius.engine.backend import Backend, Output
from vesalius.engine.choose import EngineChoice, open_backend
from vesalius.engine.plan import tile_shape
from vesalius.models.folder import ModelFolder
from vesalius.models.spec import ModelSpec, NetworkSpec


class Networks(Protocol):
    """The opened networks of a model: a `Session`, or a network that is still in training."""

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""

    def backend(self, network: NetworkSpec, output: Output = "labels", /) -> Backend:
        """One of its networks, opened; where scores are asked for, one that does not decide."""


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

    def backend(self, network: NetworkSpec, output: Output = "labels", /) -> Backend:
        """The opened ``network``, for tiles of its own size and the model's channels.

        One that gives scores is also good for labels, and takes the place of one that decides.

        Raises:
            UsageError: what was asked for cannot run this network here.
        """
        with self._locks[network.graph]:
            opened = self._backends.get(network.graph)
            if opened is None or (opened.decides and output == "scores"):
                shape = (1, len(self.folder.spec.channels), *tile_shape(network.grid))
                opened = open_backend(self.folder, network, shape, self._choice, output)
                self._backends[network.graph] = opened
            return opened

    def open_all(self) -> None:
        """Open every network of the model."""
        for network in reversed(self.folder.networks):  # the locator, which runs first, is named last
            self.backend(network)
