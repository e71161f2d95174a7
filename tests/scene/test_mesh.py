from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import trimesh

from phantoms import GRIDS, affine, ball, cuboid, l_shape, labelmap
from vesalius.errors import GeometryError
from vesalius.results import Labelmap
from vesalius.scene.mesh import Mesh, extract_meshes


def is_closed_after_merging(mesh: Mesh) -> bool:
    """Trimesh's verdict, after it has merged vertices at one place, as readers of STL do."""
    merged = trimesh.Trimesh(mesh.vertices.astype(np.float32), mesh.triangles, process=True)
    return bool(merged.is_watertight and merged.is_winding_consistent)


def noise(values: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(3).integers(0, values + 1, (14, 11, 9)).astype(dtype)


def test_a_cuboid_has_the_measures_of_a_cuboid() -> None:
    mesh = cuboid((1, 2, 3), (3, 7, 4))
    assert mesh.volume == pytest.approx(10)
    assert mesh.area == pytest.approx(2 * (2 * 5 + 2 * 1 + 5 * 1))
    np.testing.assert_allclose(mesh.centroid, (2, 4.5, 3.5))
    assert mesh.is_watertight


def test_normals_of_a_cuboid_point_outwards_from_its_middle() -> None:
    mesh = cuboid((-1, -1, -1), (1, 1, 1))
    assert (np.sum(mesh.normals() * np.sign(mesh.vertices), axis=1) > 0.9).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals(), axis=1), 1)
    assert (np.sum(mesh.face_normals() * mesh.vertices[mesh.triangles].mean(axis=1), axis=1) > 0.9).all()


def test_a_cuboid_without_a_triangle_is_not_watertight() -> None:
    mesh = cuboid((0, 0, 0), (1, 1, 1))
    assert not Mesh(mesh.vertices, mesh.triangles[1:]).is_watertight


def test_a_mesh_refuses_triangles_of_vertices_that_are_not_there() -> None:
    with pytest.raises(GeometryError, match="beyond the 3"):
        Mesh(np.zeros((3, 3)), np.array([[0, 1, 3]], dtype=np.int32))
    with pytest.raises(GeometryError, match=r"\(N, 3\)"):
        Mesh(np.zeros((3, 2)), np.array([[0, 1, 2]], dtype=np.int32))


@pytest.mark.parametrize("matrix", GRIDS)
def test_unsmoothed_a_mesh_encloses_exactly_its_voxels(matrix: np.ndarray) -> None:
    voxels = l_shape()
    mesh = extract_meshes(labelmap(voxels, matrix), smoothing_iterations=0)[1]
    places = labelmap(voxels, matrix).geometry.to_world(np.argwhere(voxels))
    assert mesh.volume == pytest.approx(len(places) * abs(np.linalg.det(matrix[:3, :3])))
    np.testing.assert_allclose(mesh.centroid, places.mean(axis=0), atol=1e-6)
    assert mesh.is_watertight


@pytest.mark.parametrize("matrix", GRIDS)
def test_smoothed_a_mesh_keeps_its_volume_and_its_place(matrix: np.ndarray) -> None:
    voxels = l_shape()
    mesh = extract_meshes(labelmap(voxels, matrix))[1]
    places = labelmap(voxels, matrix).geometry.to_world(np.argwhere(voxels))
    assert mesh.volume == pytest.approx(len(places) * abs(np.linalg.det(matrix[:3, :3])), rel=0.05)
    np.testing.assert_allclose(mesh.centroid, places.mean(axis=0), atol=0.2)


@pytest.mark.parametrize(("radius", "tolerance"), [(20.0, 0.002), (6.0, 0.01)])
def test_a_ball_comes_out_as_the_ball(radius: float, tolerance: float) -> None:
    balls, centre = ball(radius)
    mesh = extract_meshes(balls)[1]
    assert mesh.volume == pytest.approx(np.count_nonzero(balls.voxels), rel=tolerance)
    assert mesh.area == pytest.approx(4 * np.pi * radius**2, rel=0.02)
    np.testing.assert_allclose(mesh.centroid, centre, atol=0.05)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices - centre, axis=1), radius, atol=0.35)


@pytest.mark.parametrize("iterations", [0, 12])
@pytest.mark.parametrize("values", [1, 4])
def test_noise_full_of_voxels_that_touch_at_edges_is_watertight(values: int, iterations: int) -> None:
    meshes = extract_meshes(labelmap(noise(values)), iterations)
    assert set(meshes) == set(range(1, values + 1))
    for mesh in meshes.values():
        assert mesh.is_watertight
        assert is_closed_after_merging(mesh)


@pytest.mark.parametrize(("dtype", "first"), [(np.uint8, 254), (np.uint16, 65534), (np.int32, 70000), (np.int64, 7)])
def test_labels_of_any_integer_type_keep_their_values(dtype: type, first: int) -> None:
    voxels = np.zeros((9, 8, 7), dtype)
    voxels[1:4, 1:7, 1:6], voxels[4:8, 1:7, 1:6] = first, first + 1
    meshes = extract_meshes(labelmap(voxels), smoothing_iterations=0)
    assert {value: mesh.volume for value, mesh in meshes.items()} == pytest.approx({first: 90, first + 1: 120})


def test_neighbours_share_their_interface() -> None:
    balls, _ = ball(9)
    halves = balls.voxels.copy()
    halves[10:][halves[10:] == 1] = 2
    parts, whole = extract_meshes(labelmap(halves)), extract_meshes(balls)[1]
    shared = set(map(tuple, parts[1].vertices)) & set(map(tuple, parts[2].vertices))
    assert len(shared) > 150
    assert parts[1].volume + parts[2].volume == pytest.approx(whole.volume, rel=0.01)


def test_values_without_a_name_are_background() -> None:
    voxels = l_shape()
    voxels[20:24, 10:15, 8:12] = 9
    named = Labelmap(voxels, labelmap(voxels).geometry, {1: labelmap(voxels).labels[1]})
    meshes = extract_meshes(named, smoothing_iterations=0)
    assert list(meshes) == [1]
    assert meshes[1].volume == pytest.approx(np.count_nonzero(voxels == 1))


def test_an_empty_labelmap_has_no_meshes() -> None:
    assert extract_meshes(labelmap(np.zeros((4, 5, 6), np.uint8))) == {}


def test_memory_order_does_not_matter() -> None:
    voxels = noise(3)
    one, other = (
        extract_meshes(labelmap(np.ascontiguousarray(voxels))),
        extract_meshes(labelmap(np.asfortranarray(voxels))),
    )
    for value, mesh in one.items():
        np.testing.assert_array_equal(mesh.vertices, other[value].vertices)
        np.testing.assert_array_equal(mesh.triangles, other[value].triangles)


@pytest.mark.parametrize("spacing", [(0.43, 0.43, 5.0), (6.0, 0.9, 0.9)])
def test_thick_slices_do_not_make_terraces(spacing: tuple[float, float, float]) -> None:
    radius = 30.0
    balls, centre = ball(radius, spacing)
    mesh = extract_meshes(balls)[1]
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.03)
    np.testing.assert_allclose(mesh.centroid, centre, atol=0.25 * max(spacing))
    outwards = (mesh.vertices - centre) / np.linalg.norm(mesh.vertices - centre, axis=1, keepdims=True)
    slopes = np.sum(outwards * mesh.normals(), axis=1)
    assert np.percentile(slopes, 2) > 0.85  # on a terrace the normal is 90° off


@pytest.mark.parametrize("flip", [False, True])
def test_thick_slices_keep_touching_labels_apart_and_in_place(flip: bool) -> None:
    voxels = np.zeros((30, 40, 9), np.uint8)
    voxels[3:15, 5:33, 2:7], voxels[15:26, 5:20, 2:7] = 1, 2
    thick = labelmap(voxels, affine((0.5, 0.6, 3.0), flip=flip, oblique=True))
    for value, mesh in extract_meshes(thick).items():
        places = thick.geometry.to_world(np.argwhere(voxels == value))
        np.testing.assert_allclose(mesh.centroid, places.mean(axis=0), atol=0.2)
        assert mesh.volume == pytest.approx(len(places) * thick.geometry.voxel_volume, rel=0.08)
        assert mesh.is_watertight


def test_every_label_of_aal_is_watertight(aal: Path) -> None:
    image = nib.load(aal)
    voxels = np.asarray(image.dataobj)
    meshes = extract_meshes(labelmap(voxels, image.affine))
    assert len(meshes) == 116
    assert all(mesh.is_watertight for mesh in meshes.values())
    ratios = [mesh.volume / np.count_nonzero(voxels == value) for value, mesh in meshes.items()]
    assert np.median(ratios) == pytest.approx(1, abs=0.005)
    assert min(ratios) > 0.9


def test_what_lies_in_one_thick_slice_keeps_its_volume() -> None:
    rows, columns = np.indices((60, 60)) - 29.5
    voxels = np.zeros((60, 60, 5), np.uint8)
    voxels[..., 2] = np.hypot(rows, columns) < 20
    thick = labelmap(voxels, np.diag([0.5, 0.5, 4.0, 1.0]))
    mesh = extract_meshes(thick)[1]
    assert mesh.volume == pytest.approx(np.count_nonzero(voxels) * thick.geometry.voxel_volume, rel=0.1)
