"""The memory estimate against closed forms and against what a run really takes."""

from __future__ import annotations

import subprocess
import sys

import openvino as ov
import openvino.opset13 as op
import pytest
from openvino import Model, Type

from vesalius.engine.memory import liveness_peak, require_memory
from vesalius.errors import NotEnoughMemoryError

MIB = 2**20


def test_a_chain_holds_two_tensors_at_once_and_a_skip_holds_three() -> None:
    x = op.parameter([1, 1, 64, 64, 64], Type.f32)  # 1 MiB each; input and output do not count
    chain = op.relu(op.relu(op.relu(op.relu(x))))
    assert liveness_peak(Model([op.result(chain)], [x]).get_ordered_ops()) == 2 * MIB
    first = op.relu(x)
    skip = op.add(op.tanh(op.relu(op.tanh(first))), first)
    assert liveness_peak(Model([op.result(op.relu(skip))], [x]).get_ordered_ops()) == 3 * MIB


def test_work_larger_than_the_machine_is_refused_with_what_to_do() -> None:
    require_memory(1, "reading", "nothing")
    with pytest.raises(NotEnoughMemoryError, match=r"^running needs about .* GiB .* free; use a smaller scan$"):
        require_memory(2**60, "running", "use a smaller scan")


MEASURE = """
import sys
import numpy as np
from pathlib import Path
from vesalius.engine.backends.openvino import OpenVinoBackend
from vesalius.engine.memory import peak_bytes, resident_bytes
shape = (1, 1, 128, 128, 128)
backend = OpenVinoBackend(Path(sys.argv[1]), shape, "f32")
image = np.ones(shape, np.float32)
estimate = resident_bytes() - image.nbytes + backend.memory_bytes()
backend.run(image)
print(estimate / peak_bytes())
"""


@pytest.mark.parametrize("precision", ["f32"])
def test_the_estimate_is_within_a_fifth_of_the_measured_peak(tmp_path, precision: str) -> None:
    """In a process of its own: a peak is of the whole process and never falls."""
    x = op.parameter([-1, 1, -1, -1, -1], Type.f32)
    x.set_friendly_name("image")
    node = x
    import numpy as np

    rng = np.random.default_rng(0)
    channels = 1
    for width in (32, 32, 32):
        weights = op.constant(rng.normal(size=(width, channels, 3, 3, 3)).astype(np.float32))
        node = op.relu(op.convolution(node, weights, [1] * 3, [1] * 3, [1] * 3, [1] * 3))
        channels = width
    path = tmp_path / "net.xml"
    ov.save_model(Model([op.result(node)], [x]), path, compress_to_fp16=False)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(1, abs=0.2)
