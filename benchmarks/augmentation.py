"""The same augmentations of 3D patches with labels on two cores: ours, TorchIO's and batchgeneratorsv2's.

A batch is four patches 64×64×64 of 1 mm, one channel, with three labels. The chain: flip along all axes, turn by up to
15° about each axis and scale by 0.8 to 1.25, elastic displacement (control points 16 mm apart, about 1 mm), gamma 0.7
to 1.5, contrast 0.75 to 1.25, bias field, noise, blur of 0.5 to 1.2 voxels, resolution lower by 1 to 2. Two settings:
``always`` does all to every patch; ``usual`` takes nnU-Net's probabilities, and 0.15 for what nnU-Net leaves out
(elastic displacement, bias field).

All run as the workers of a data loader do: in two processes of one thread, each with its half of every batch. A peer
takes patch by patch, ours its half at once. ``ours in one process`` is how our training calls it: the whole batch, in
one process of two threads. Handing patches over to and from processes is not timed.

What a peer lacks is left out for it, not replaced: TorchIO has no contrast, lowers the resolution along one axis only
and samples labels to the nearest neighbour (ours and batchgeneratorsv2: linear shares, of which the largest wins);
batchgeneratorsv2 has no bias field. In ``always``, TorchIO's joint affine and elastic transform spares it a resampling.
The peers are in the dependency group ``peers``.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 -- as everywhere in the field
from torch import Tensor

from benchmarks.harness import measure
from vesalius.transforms.augment.chain import Chain
from vesalius.transforms.augment.kinds import (
    Affine,
    BiasField,
    Blur,
    Contrast,
    Elastic,
    Flip,
    Gamma,
    LowResolution,
    Noise,
)

PACKAGES = ("torch", "torchio", "batchgeneratorsv2", "simpleitk")
EDGE, PATCHES, CORES = 64, 4, 2
ALWAYS = dict.fromkeys(("affine", "elastic", "gamma", "contrast", "bias", "noise", "blur", "low"), 1.0)
USUAL = {
    "affine": 0.36,  # either of turning and scaling, each of which has 0.2
    "elastic": 0.15,
    "gamma": 0.3,
    "contrast": 0.15,
    "bias": 0.15,
    "noise": 0.1,
    "blur": 0.2,
    "low": 0.25,
}
SETTINGS = {"always": (ALWAYS, 2), "usual": (USUAL, 16)}
"""Probabilities, and batches a call: with probabilities below one, batches differ in what they take."""

Patch = tuple[Tensor, Tensor]
Apply = Callable[[Tensor, Tensor], object]


def run(repeats: int = 7) -> dict[str, Any]:
    """Seconds and voxels a second of the three in both settings."""
    torch.set_num_threads(CORES)
    with multiprocessing.get_context("spawn").Pool(CORES, torch.set_num_threads, (1,)) as pool:
        return {setting: _compare(setting, pool, repeats) for setting in SETTINGS}


def _compare(setting: str, pool: Any, repeats: int) -> dict[str, Any]:
    contenders: dict[str, Callable[[], object]] = {"ours in one process": functools.partial(_work, "ours", setting)}
    for name in _CHAINS:
        contenders[name] = functools.partial(pool.starmap, _work, [(name, setting, core) for core in range(CORES)], 1)
    figures: dict[str, Any] = measure(contenders, repeats)
    for name in contenders:
        figures[name]["voxels_a_second"] = round(SETTINGS[setting][1] * PATCHES * EDGE**3 / figures[name]["median"])
    for peer in ("torchio", "batchgeneratorsv2"):
        figures["ours"][f"times_faster_than_{peer}"] = round(figures[peer]["median"] / figures["ours"]["median"], 1)
    return figures


@functools.cache
def _patches() -> Patch:
    """Images (4, 1, 64, 64, 64) of mean 0 and deviation 1, and labels (4, 64, 64, 64) from 0 to 2."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(PATCHES, 1, 8, 8, 8, generator=generator)
    image = F.interpolate(coarse, (EDGE, EDGE, EDGE), mode="trilinear", align_corners=True)
    labels = (image[:, 0] > 0).to(torch.uint8) + (image[:, 0] > 1)
    return (image - image.mean()) / image.std(), labels


def _work(name: str, setting: str, core: int | None = None) -> None:
    """All batches of a call; or the part of them that the process ``core`` does, each ``CORES``-th patch."""
    apply = _chain(name, setting)
    images, labels = (tensor if core is None else tensor[core::CORES] for tensor in _patches())
    for _ in range(SETTINGS[setting][1]):
        apply(images, labels)


@functools.cache
def _chain(name: str, setting: str) -> Apply:
    return _CHAINS[name](SETTINGS[setting][0])


def _ours(p: dict[str, float]) -> Apply:
    kinds = [
        Flip(axes=(0, 1, 2)),
        Affine(probability=p["affine"], degrees=15, scale=(0.8, 1.25)),
        Elastic(probability=p["elastic"], spacing_mm=16, deviation_mm=1),
        Gamma(probability=p["gamma"], power=(0.7, 1.5)),
        Contrast(probability=p["contrast"], factor=(0.75, 1.25)),
        BiasField(probability=p["bias"]),
        Noise(probability=p["noise"], deviation=0.2),
        Blur(probability=p["blur"], sigma_mm=(0.5, 1.2)),
        LowResolution(probability=p["low"], factor=(1, 2)),
    ]
    chain, generator = Chain(kinds), torch.Generator().manual_seed(1)

    def apply(images: Tensor, labels: Tensor) -> None:
        chain.apply(chain.sample(len(images), (EDGE, EDGE, EDGE), (1.0, 1.0, 1.0), generator), images, labels)

    return apply


def _one_by_one(transform: Apply) -> Apply:
    """Each patch by itself, with a channel axis for its labels; as copies, which the peers may write into."""

    def apply(images: Tensor, labels: Tensor) -> None:
        for image, label in zip(images, labels, strict=True):
            transform(image.clone(), label[None].clone())

    return apply


def _torchio(p: dict[str, float]) -> Apply:
    import SimpleITK as sitk
    import torchio as tio

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    affine = {"scales": (0.8, 1.25), "degrees": 15, "isotropic": True}
    elastic = {"num_control_points": 7, "max_displacement": 5}
    spatial = (
        [tio.RandomAffineElasticDeformation(affine_kwargs=affine, elastic_kwargs=elastic)]
        if p["affine"] == p["elastic"] == 1
        else [tio.RandomAffine(**affine, p=p["affine"]), tio.RandomElasticDeformation(**elastic, p=p["elastic"])]
    )
    intensity = [
        tio.RandomGamma(log_gamma=(-0.36, 0.41), p=p["gamma"]),
        tio.RandomBiasField(p=p["bias"]),
        tio.RandomNoise(std=(0, 0.2), p=p["noise"]),
        tio.RandomBlur(std=(0.5, 1.2), p=p["blur"]),
        tio.RandomAnisotropy(downsampling=(1, 2), p=p["low"]),
    ]
    chain = tio.Compose([tio.RandomFlip(axes=(0, 1, 2)), *spatial, *intensity], copy=False)

    def apply(image: Tensor, labels: Tensor) -> None:
        chain(tio.Subject(image=tio.ScalarImage(tensor=image), labels=tio.LabelMap(tensor=labels)))

    return _one_by_one(apply)


def _batchgenerators(p: dict[str, float]) -> Apply:
    from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    each = 1 - (1 - p["affine"]) ** 0.5
    spatial = SpatialTransform(
        (EDGE, EDGE, EDGE),
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=p["elastic"],
        elastic_deform_scale=0.1,
        elastic_deform_magnitude=3,
        p_rotation=each,
        rotation=(-0.26, 0.26),
        p_scaling=each,
        scaling=(0.8, 1.25),
        p_synchronize_scaling_across_axes=1,
    )
    intensity = {
        "gamma": GammaTransform((0.7, 1.5), 0, synchronize_channels=False, p_per_channel=1, p_retain_stats=1),
        "contrast": ContrastTransform(BGContrast((0.75, 1.25)), preserve_range=False, synchronize_channels=False),
        "noise": GaussianNoiseTransform((0, 0.2)),
        "blur": GaussianBlurTransform((0.5, 1.2)),
        "low": SimulateLowResolutionTransform(
            (0.5, 1), synchronize_channels=False, synchronize_axes=False, ignore_axes=None
        ),
    }
    touching = [RandomTransform(transform, p[name]) for name, transform in intensity.items()]
    chain = ComposeTransforms([spatial, *touching, MirrorTransform((0, 1, 2))])
    return _one_by_one(lambda image, labels: chain(image=image, segmentation=labels))


_CHAINS: dict[str, Callable[[dict[str, float]], Apply]] = {
    "ours": _ours,
    "torchio": _torchio,
    "batchgeneratorsv2": _batchgenerators,
}
