from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from phantoms import GRIDS, affine, ball, l_shape, labelmap
from vesalius.errors import OutputError
from vesalius.results import Code, Label, Labelmap
from vesalius.scene.export import write_mesh
from vesalius.scene.glb import write_glb
from vesalius.scene.mesh import Mesh, extract_meshes

TWO_LABELS = {
    1: Label(name="left part", colour="#be0032"),
    2: Label(name="Größe", colour="#0067a5", code=Code(value="12738006", meaning="Brain structure")),
}


def two_parts(matrix: np.ndarray) -> tuple[Labelmap, dict[int, Mesh]]:
    voxels = l_shape()
    voxels[12:18, 3:8, 2:6] = 2
    parts = Labelmap(voxels, labelmap(voxels, matrix).geometry, TWO_LABELS)
    return parts, extract_meshes(parts)


def document(path: Path) -> dict:
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    return json.loads(content[20 : 20 + length])


@pytest.mark.parametrize("matrix", GRIDS)
def test_a_glb_comes_back_from_trimesh_in_place(tmp_path: Path, matrix: np.ndarray) -> None:
    _, meshes = two_parts(matrix)
    write_glb(meshes, TWO_LABELS, tmp_path / "scene.glb")
    scene = trimesh.load_scene(tmp_path / "scene.glb")
    assert set(scene.geometry) == {"left part", "Größe"}
    for value, label in TWO_LABELS.items():
        shape = scene.geometry[label.name]
        assert shape.volume == pytest.approx(meshes[value].volume * 1e-9, rel=1e-4)
        right, front, up = meshes[value].centroid * 1e-3
        np.testing.assert_allclose(shape.center_mass, (-right, up, front), atol=1e-5)
        np.testing.assert_array_equal(shape.faces, meshes[value].triangles)


def test_a_glb_comes_back_from_vtk_with_outward_normals(tmp_path: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkMassProperties, vtkTriangleFilter
    from vtkmodules.vtkIOGeometry import vtkGLTFReader

    balls, centre = ball(8)
    meshes = extract_meshes(balls)
    write_glb(meshes, balls.labels, tmp_path / "ball.glb")
    reader = vtkGLTFReader()
    reader.SetFileName(str(tmp_path / "ball.glb"))
    reader.Update()
    data = reader.GetOutput()
    while not data.IsA("vtkPolyData"):
        data = data.GetBlock(0)
    filter_ = vtkTriangleFilter()
    filter_.SetInputData(data)
    mass = vtkMassProperties()
    mass.SetInputConnection(filter_.GetOutputPort())
    assert mass.GetVolume() == pytest.approx(meshes[1].volume * 1e-9, rel=1e-3)
    middle = np.array([-centre[0], centre[2], centre[1]]) * 1e-3
    outwards = vtk_to_numpy(data.GetPoints().GetData()) - middle
    normals = vtk_to_numpy(data.GetPointData().GetNormals())
    assert (np.sum(outwards * normals, axis=1) > 0.9 * 8e-3).all()


def test_a_glb_says_how_to_come_back_to_the_patient(tmp_path: Path) -> None:
    _, meshes = two_parts(affine((1, 1, 1.5), flip=True, oblique=True))
    write_glb(meshes, TWO_LABELS, tmp_path / "scene.glb")
    scene = trimesh.load_scene(tmp_path / "scene.glb")
    written = document(tmp_path / "scene.glb")
    for node in (*written["nodes"], written["scenes"][0]):
        back = np.array(node["extras"]["to_ras_mm"])
        assert np.linalg.det(back) > 0
    vertices = trimesh.transform_points(scene.geometry["Größe"].vertices, back)
    np.testing.assert_allclose(vertices, meshes[2].vertices, atol=1e-3)
    assert [node["extras"]["label"] for node in written["nodes"]] == [1, 2]
    assert written["nodes"][1]["extras"]["code"]["value"] == "12738006"


def test_colours_of_a_glb_are_linear(tmp_path: Path) -> None:
    _, meshes = two_parts(np.eye(4))
    write_glb(meshes, {1: Label(name="a", colour="#ff8000"), 2: TWO_LABELS[2]}, tmp_path / "scene.glb")
    colour = document(tmp_path / "scene.glb")["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"]
    np.testing.assert_allclose(colour, (1, 0.2158605, 0, 1), atol=1e-5)  # sRGB 128 is 0.2158605 in linear light


def test_a_scene_without_meshes_is_a_valid_glb(tmp_path: Path) -> None:
    write_glb({}, {}, tmp_path / "empty.glb")
    assert document(tmp_path / "empty.glb")["scenes"][0]["extras"]["to_ras_mm"]
    assert "meshes" not in document(tmp_path / "empty.glb")
    assert (tmp_path / "empty.glb").stat().st_size == int.from_bytes(
        (tmp_path / "empty.glb").read_bytes()[8:12], "little"
    )


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".STL"])
@pytest.mark.parametrize("matrix", GRIDS[-2:])
def test_other_formats_hold_all_labels_in_patient_millimetres(tmp_path: Path, suffix: str, matrix: np.ndarray) -> None:
    _, meshes = two_parts(matrix)
    path = tmp_path / f"all{suffix}"
    write_mesh(meshes, TWO_LABELS, path)
    loaded = trimesh.load_mesh(path)
    volumes = np.array([mesh.volume for mesh in meshes.values()])
    assert loaded.volume == pytest.approx(volumes.sum(), rel=1e-4)
    centroids = np.array([mesh.centroid for mesh in meshes.values()])
    np.testing.assert_allclose(loaded.center_mass, volumes @ centroids / volumes.sum(), atol=1e-3)


def test_a_ply_names_the_label_of_each_face_and_the_colour_of_each_vertex(tmp_path: Path) -> None:
    _, meshes = two_parts(np.eye(4))
    write_mesh(meshes, TWO_LABELS, tmp_path / "all.ply")
    loaded = trimesh.load_mesh(tmp_path / "all.ply", process=False)
    labels = loaded.metadata["_ply_raw"]["face"]["data"]["label"]
    assert np.unique(labels, return_counts=True)[1].tolist() == [len(mesh.triangles) for mesh in meshes.values()]
    assert {tuple(colour[:3]) for colour in loaded.visual.vertex_colors.tolist()} == {(190, 0, 50), (0, 103, 165)}


def test_an_obj_keeps_the_labels_apart_by_name(tmp_path: Path) -> None:
    _, meshes = two_parts(np.eye(4))
    write_mesh(meshes, TWO_LABELS, tmp_path / "all.obj")
    lines = (tmp_path / "all.obj").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("o ")] == ["o left_part", "o Größe"]


def test_glb_by_its_ending(tmp_path: Path) -> None:
    _, meshes = two_parts(np.eye(4))
    write_mesh(meshes, TWO_LABELS, tmp_path / "one.glb")
    assert (tmp_path / "one.glb").read_bytes()[:4] == b"glTF"


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.glb, \.stl, \.ply or \.obj"):
        write_mesh({}, {}, tmp_path / "scene.fbx")


def test_a_missing_folder_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        write_mesh({}, {}, tmp_path / "missing" / "scene.glb")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    _, meshes = two_parts(np.eye(4))
    path = tmp_path / "all.ply"
    path.write_text("old")
    with pytest.raises(KeyError):
        write_mesh(meshes, {1: TWO_LABELS[1]}, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["all.ply"]
