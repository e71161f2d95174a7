"""A session whose networks are formulas, so that what surrounds a network can be held against closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vesalius.engine.backend import BackendInfo, Output
from vesalius.models.spec import ModelSpec, NetworkSpec, Origin
from vesalius.results import Label

Formula = Callable[[np.ndarray], np.ndarray]


class FormulaBackend:
    """(N, C, I, J, K) → whatever the formula gives, (N, L, I, J, K)."""

    info = BackendInfo("torch", "f32", "cpu")
    decides = False

    def __init__(self, formula: Formula, classes: int) -> None:
        self.classes, self._formula = classes, formula

    def run(self, batch: np.ndarray) -> np.ndarray:
        return self._formula(batch).astype(np.float32)

    def memory_bytes(self) -> int:
        return 0


class FormulaSession:
    """``formulas`` are named as the networks' graphs are: (number of classes, formula)."""

    def __init__(self, spec: ModelSpec, formulas: Mapping[str, tuple[int, Formula]]) -> None:
        self.spec = spec
        self._backends = {name: FormulaBackend(formula, classes) for name, (classes, formula) in formulas.items()}

    def backend(self, network: NetworkSpec, _output: Output = "labels", /) -> FormulaBackend:
        return self._backends[network.graph]


def formula_network(name: str = "main", **fields: Any) -> NetworkSpec:
    """``fields`` are those of `NetworkSpec` but for files."""
    files = {"weights": name, "graph": name, "golden": name, "sha256": "0" * 64, "graph_sha256": "0" * 64}
    return NetworkSpec(**files, **fields)


def formula_spec(network: NetworkSpec, **fields: Any) -> ModelSpec:
    """A model that segments one part."""
    return ModelSpec(
        name="formula",
        version="1.0",
        task="segment",
        summary="For the tests.",
        network=network,
        labels={1: Label(name="part", colour="#112233")},
        origin=Origin(source="the tests", data="none", licence="Apache-2.0"),
        **fields,
    )
