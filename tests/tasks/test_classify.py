"""Classification against torch alone: its own interpolation, z-score, network and softmax."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from grids import rotation  # noqa: E402
from tiny_models import tiny_model  # noqa: E402
from vesalius import nets  # noqa: E402
from vesalius.engine.backend import BackendInfo  # noqa: E402
from vesalius.engine.choose import EngineChoice  # noqa: E402
from vesalius.engine.progress import Progress  # noqa: E402
from vesalius.engine.session import Session  # noqa: E402
from vesalius.errors import ModelFolderError  # noqa: E402
from vesalius.models.folder import ModelFolder  # noqa: E402
from vesalius.models.spec import Decision  # noqa: E402
from vesalius.tasks.classify import answer, classify  # noqa: E402
from vesalius.volume import Geometry, Volume  # noqa: E402

F32 = EngineChoice(precision="f32", device="cpu")
CLASSES = {0: "normal", 1: "bacterial", 2: "viral"}
TEMPERATURE = 0.3


@pytest.fixture(scope="module")
def model_2d(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return tiny_model(
        tmp_path_factory.mktemp("models") / "m", "timm", {"name": "test_resnet", "classes": 3}, CLASSES,
        task="classify", orientation="LPS", decision={"temperature": TEMPERATURE},
        network={"planar": True, "grid": {"kind": "whole", "size": (48, 32, 1)}, "intensity": {"rule": "zscore"}},
    )  # fmt: skip


@pytest.fixture(scope="module")
def model_3d(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    arguments = {"size": [16, 24, 8], "patch": 8, "width": 12, "depth": 1, "heads": 2, "classes": 3}
    return tiny_model(
        tmp_path_factory.mktemp("models") / "m", "vit", arguments, CLASSES, task="classify",
        network={"grid": {"kind": "whole", "size": (16, 24, 8)}, "intensity": {"rule": "zscore"}},
    )  # fmt: skip


def expected(model: ModelFolder, image: np.ndarray, size: tuple[int, ...], temperature: float) -> list[float]:
    """Probabilities of ``image``, its axes those of the network, stretched to ``size``."""
    network = model.spec.network
    module = nets.load(network.net, network.arguments, model.file(network.weights))
    tensor = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None]
    mode = "bilinear" if len(size) == 2 else "trilinear"
    seen = torch.nn.functional.interpolate(tensor, size, mode=mode, align_corners=False)
    seen = (seen - seen.mean()) / seen.std(correction=0)
    with torch.inference_mode():
        return (module(seen)[0] / temperature).softmax(0).tolist()


@pytest.mark.parametrize("shape", [(32, 48), (57, 83), (20, 21)])
def test_a_picture_has_the_probabilities_that_torch_gives_its_rows_and_columns(
    model_2d: ModelFolder, shape: tuple[int, int]
) -> None:
    rows_columns = np.random.default_rng(0).normal(100, 30, shape)
    rows_columns[: shape[0] // 3] += 200  # no symmetry that would hide exchanged or reversed axes
    rows_columns[:, : shape[1] // 4] -= 150
    scan = Volume(rows_columns.T[None, ..., None], Geometry((shape[1], shape[0], 1), np.diag([-1.0, -1.0, 1.0, 1.0])))
    found = classify(Session(model_2d, F32), scan, Progress())
    reference = expected(model_2d, rows_columns, (32, 48), TEMPERATURE)
    assert list(found.scores) == list(CLASSES.values())
    assert list(found.scores.values()) == pytest.approx(reference, abs=1e-3)
    assert sum(found.scores.values()) == pytest.approx(1)
    assert found.answer == CLASSES[int(np.argmax(reference))]


@pytest.mark.parametrize("orientation", ["RAS", "SPL", "AIL"])
def test_a_3d_scan_is_seen_in_canonical_axes_on_an_oblique_grid(model_3d: ModelFolder, orientation: str) -> None:
    voxels = np.random.default_rng(1).normal(0, 1, (19, 14, 23))
    voxels[:6] += 3
    voxels[:, :4] -= 2
    voxels[:, :, 15:] += 1
    affine = np.eye(4)
    affine[:3, :3] = rotation((0.97, 0.1, -0.15, 0.1)) @ np.diag([1.1, 2.0, 0.7])
    scan = Volume(voxels[None], Geometry(voxels.shape, affine)).reoriented(orientation)
    found = classify(Session(model_3d, F32), scan, Progress())
    canonical = nib.as_closest_canonical(nib.Nifti1Image(scan.voxels[0], scan.geometry.affine)).get_fdata()
    reference = expected(model_3d, canonical, (16, 24, 8), 1.0)
    assert list(found.scores.values()) == pytest.approx(reference, abs=1e-3)
    assert max(reference) - min(reference) > 0.005


@pytest.mark.parametrize(
    ("probability", "threshold", "said"),
    [(0.6, 0.5, "ill"), (0.5, 0.5, "ill"), (0.49, 0.5, "well"), (0.3, 0.2, "ill"), (0.7, 0.8, "well")],
)
def test_the_threshold_decides(probability: float, threshold: float, said: str) -> None:
    probabilities = {"well": 1 - probability, "ill": probability}
    assert answer(probabilities, Decision(label="ill", threshold=threshold)) == said


def test_without_a_label_to_decide_on_the_most_probable_is_the_answer() -> None:
    probabilities = {"a": 0.3, "b": 0.4, "c": 0.3}
    assert answer(probabilities, Decision(threshold=0.9)) == "b"
    assert answer(probabilities, Decision(label="b", threshold=0.9)) in ("a", "c")


class Giving:
    """A session whose network gives ``scores`` whatever it is shown."""

    def __init__(self, model: ModelFolder, scores: list[float]) -> None:
        self.spec, self.scores = model.spec, np.array([scores], np.float32)

    def backend(self, *_: Any) -> Any:
        info = BackendInfo("torch", "f32", "cpu")
        return SimpleNamespace(info=info, classes=3, decides=False, run=lambda _: self.scores, memory_bytes=lambda: 0)


@pytest.mark.parametrize("scores", [[1.0, np.nan, 0.0], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0], [np.inf, 0.0, 0.0]])
def test_a_network_that_does_not_score_each_class_is_not_believed(model_2d: ModelFolder, scores: list[float]) -> None:
    scan = Volume(np.random.default_rng(0).random((1, 9, 9, 1)), Geometry.from_spacing((9, 9, 1), (1, 1, 1)))
    with pytest.raises(ModelFolderError, match="one number for each of 3 classes"):
        classify(Giving(model_2d, scores), scan, Progress())


def test_large_scores_stay_finite_through_the_softmax(model_2d: ModelFolder) -> None:
    scan = Volume(np.random.default_rng(0).random((1, 9, 9, 1)), Geometry.from_spacing((9, 9, 1), (1, 1, 1)))
    huge = classify(Giving(model_2d, [0.0, 5000.0, 4999.0]), scan, Progress()).scores
    assert huge["bacterial"] == pytest.approx(1 / (1 + np.exp(-1 / TEMPERATURE)))
