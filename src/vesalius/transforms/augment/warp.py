"""The spatial augmentations of a batch as one map, and the places that it takes voxels from, there and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vesalius.transforms.augment.axes import along, bspline
from vesalius.transforms.augment.interpolate import interpolate

Size = tuple[int, int, int]
Spacing = tuple[float, float, float]

_PASSES = 50  # of the iteration that inverts a displacement, at most
_NEAR = 1e-3  # voxels: when it ends


@dataclass(frozen=True, eq=False)
class Warp:
    """For patches of ``size`` voxels of ``spacing`` mm, where each place of the new patch lies in the old one.

    x, in mm from the middle of the new patch, comes from ``matrix`` · (x + u(x)) + ``shift`` in mm from the middle of
    the old one. ``matrix`` is (N, 3, 3), ``shift`` (N, 3); ``lattice`` (N, 3, a, b, c) has the coefficients in mm of
    the cubic B-spline u.
    """

    size: Size
    spacing: Spacing
    matrix: Tensor
    shift: Tensor
    lattice: Tensor | None

    def of(self, samples: Tensor) -> Warp:
        """The map of these ``samples`` alone."""
        lattice = None if self.lattice is None else self.lattice[samples]
        if lattice is not None and not lattice.any():
            lattice = None
        return Warp(self.size, self.spacing, self.matrix[samples], self.shift[samples], lattice)

    def interpolates(self) -> Tensor:
        """(N,): whether the sample needs interpolation; the others stay as they are or are flipped."""
        bent = (self.matrix.abs() != torch.eye(3)).flatten(1).any(1) | (self.shift != 0).any(1)
        return bent if self.lattice is None else bent | (self.lattice != 0).flatten(1).any(1)

    def flipped_axes(self) -> list[int]:
        """The spatial axes along which a single sample that needs no interpolation is flipped."""
        return [axis for axis in range(3) if self.matrix[0, axis, axis] < 0]

    def places(self, device: torch.device) -> Tensor:
        """Where each new voxel lies in the old patch: (N, 3, I, J, K) in voxels."""
        places = self._affine(self.matrix, self.shift, device)
        if self.lattice is not None:
            places += self._field(torch.einsum("nij,njabc->niabc", self.matrix, self.lattice), device)
        return places

    def places_back(self, device: torch.device) -> Tensor:
        """Where each old voxel has gone in the new patch, as `places`.

        The displacement is inverted by fixed-point iteration (Chen 2008); beyond the border it goes on as at it.
        """
        inverse = torch.linalg.inv(self.matrix)
        undisplaced = self._affine(inverse, -(inverse @ self.shift[..., None])[..., 0], device)
        if self.lattice is None:
            return undisplaced
        field, places = self._field(self.lattice, device), undisplaced
        for _ in range(_PASSES):
            before, places = places, undisplaced - interpolate(field, places)
            if (places - before).abs().max() < _NEAR:
                break
        return places

    def _affine(self, matrix: Tensor, shift: Tensor, device: torch.device) -> Tensor:
        """``matrix`` · x + ``shift`` at every voxel, (N, 3, I, J, K) in voxels.

        By sums, not as a matrix product: that might be rounded to TF32, and move the anatomy.
        """
        middle = torch.tensor([(n - 1) / 2 for n in self.size])
        matrix, shift = self._in_voxels(matrix).to(device), (self._in_voxels(shift) + middle).to(device)
        mm = [(torch.arange(n, device=device) - (n - 1) / 2) * s for n, s in zip(self.size, self.spacing, strict=True)]
        one, two, three = (matrix[:, :, axis, None] * mm[axis] for axis in range(3))
        plane = one[:, :, :, None] + (two + shift[:, :, None])[:, :, None]
        return plane[..., None] + three[:, :, None, None]

    def _field(self, lattice: Tensor, device: torch.device) -> Tensor:
        """The B-spline at every voxel, (N, 3, I, J, K) in voxels."""
        splines = [bspline(n, p, device) for n, p in zip(self.size, lattice.shape[2:], strict=True)]
        return along(self._in_voxels(lattice).to(device), splines)

    def _in_voxels(self, mm: Tensor) -> Tensor:
        """(N, 3, …) in mm → in voxels along I, J, K."""
        return mm / torch.tensor(self.spacing).reshape(3, *[1] * (mm.dim() - 2))
