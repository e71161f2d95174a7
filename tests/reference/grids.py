"""Grids for tests, and the same grids as SimpleITK sees them: LPS, direction, origin and spacing apart."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from hypothesis import strategies as st
from numpy.typing import NDArray

from vesalius.volume import Geometry

LPS = np.diag([-1.0, -1.0, 1.0])


def rotation(quaternion: tuple[float, ...]) -> NDArray[np.float64]:
    """(3, 3) rotation of a quaternion (w, x, y, z) of any length."""
    w, x, y, z = np.asarray(quaternion) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@st.composite
def grids(draw: st.DrawFn, smallest: int = 1, largest: int = 8) -> Geometry:
    """Oblique or straight, left- or right-handed, anisotropic, non-square, anywhere."""
    component = st.integers(-1000, 1000).map(lambda n: n / 1000)  # ITK's inverse breaks down at 1e-300
    quaternion = draw(
        st.one_of(
            st.sampled_from([(1.0, 0.0, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0)]),
            st.tuples(component, component, component, component).filter(lambda q: np.linalg.norm(q) > 0.1),
        )
    )
    flips = np.diag(draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)))
    spacing = draw(st.tuples(*[st.floats(0.3, 6.0)] * 3))
    affine = np.eye(4)
    affine[:3, :3] = rotation(quaternion) @ flips @ np.diag(spacing)
    affine[:3, 3] = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    size = st.integers(smallest, largest)
    return Geometry(draw(st.tuples(size, size, size)), affine)


def numbered(shape: tuple[int, int, int]) -> NDArray[np.int32]:
    """(I, J, K) with a number of its own in each voxel."""
    return np.arange(np.prod(shape), dtype=np.int32).reshape(shape)


def to_itk(voxels: NDArray[np.generic], geometry: Geometry) -> sitk.Image:
    """An image with ``voxels`` (I, J, K), or (I, J, K, V) for vectors, on ``geometry``."""
    axes = (2, 1, 0, *range(3, voxels.ndim))
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(axes)), isVector=voxels.ndim == 4)
    spacing = np.linalg.norm(geometry.affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((LPS @ geometry.affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((LPS @ geometry.affine[:3, 3]).tolist())
    return image


def from_itk(image: sitk.Image) -> tuple[NDArray[np.generic], Geometry]:
    """The voxels (I, J, K) of ``image`` and its grid in RAS."""
    affine = np.eye(4)
    affine[:3, :3] = LPS @ np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    affine[:3, 3] = LPS @ image.GetOrigin()
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), Geometry(image.GetSize(), affine)
