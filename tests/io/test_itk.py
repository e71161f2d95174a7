import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from vesalius import io
from vesalius.errors import GeometryError, NotEnoughDiskError, UnreadableScanError, UnsuitableScanError
from vesalius.results import Label, Labelmap
from vesalius.volume import Geometry, Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
META = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
ElementSpacing = {spacing}
TransformMatrix = {matrix}
Offset = 5 6 7
DimSize = 4 3 2
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""
NRRD = "NRRD0005\ntype: short\ndimension: 3\nsizes: 4 3 2\nencoding: raw\nendian: little\n{lines}\n\n"
VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def itk_image(volume: Volume) -> sitk.Image:
    """SimpleITK's view of a volume with one voxel type, built without our writer."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels[0].T))
    affine = LPS_TO_RAS @ volume.geometry.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr", ".mha", ".mhd"])
def test_reads_what_itk_wrote(tmp_path, scan, suffix):
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(itk_image(scan), str(path))
    read = io.read(path)
    assert read.geometry.is_close(scan.geometry, 1e-6)
    assert read.voxels.dtype == np.int16
    assert np.array_equal(read.voxels, scan.voxels)
    assert read.source.orientation_known


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_itk_reads_what_we_wrote(tmp_path, scan, suffix):
    path = tmp_path / f"scan{suffix}"
    io.write(scan, path)
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image).T, scan.voxels[0])
    for index in [(0, 0, 0), (4, 0, 0), (0, 3, 0), (0, 0, 2), (4, 3, 2)]:
        point = np.array([*image.TransformIndexToPhysicalPoint(index), 1])
        assert np.allclose(LPS_TO_RAS @ point, scan.geometry.affine @ [*index, 1], atol=1e-6)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_from_nifti_and_back_nothing_moves(tmp_path, scan, suffix):
    """The chain nibabel → ours → ITK → ours → nibabel."""
    nib.save(nib.Nifti1Image(scan.voxels[0], scan.geometry.affine), tmp_path / "a.nii")
    io.write(io.read(tmp_path / "a.nii"), tmp_path / f"b{suffix}")
    io.write(io.read(tmp_path / f"b{suffix}"), tmp_path / "c.nii")
    first, last = nib.load(tmp_path / "a.nii"), nib.load(tmp_path / "c.nii")
    assert np.allclose(first.affine, last.affine, atol=1e-4)
    assert np.array_equal(first.dataobj, last.dataobj)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_types_and_channels_survive(tmp_path, suffix, dtype):
    voxels = np.random.default_rng(0).integers(0, 100, (3, 5, 4, 2)).astype(dtype)
    volume = Volume(voxels, Geometry.from_spacing((5, 4, 2), (1, 2, 3)), channels=("a", "b", "c"))
    io.write(volume, tmp_path / f"scan{suffix}")
    read = io.read(tmp_path / f"scan{suffix}")
    assert read.channels == ("c0", "c1", "c2")
    assert read.voxels.dtype == np.dtype(dtype)
    assert np.array_equal(read.voxels, voxels)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_sheared_grid_survives(tmp_path, suffix):
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[0, 2] = 0.5
    volume = Volume(np.zeros((1, 5, 4, 3), np.uint8), Geometry((5, 4, 3), affine))
    io.write(volume, tmp_path / f"scan{suffix}")
    assert np.allclose(io.read(tmp_path / f"scan{suffix}").geometry.affine, affine)


def test_labels(tmp_path, geometry):
    voxels = np.zeros(geometry.shape, np.int64)
    voxels[1, 2, 0] = 2
    io.write(Labelmap(voxels, geometry, {2: Label(name="x", colour="#ffffff")}), tmp_path / "labels.nrrd")
    image = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
    assert image.GetPixelID() == sitk.sitkUInt8
    assert image[1, 2, 0] == 2


def test_frames_of_four_dimensions_are_channels(tmp_path):
    frames = [sitk.GetImageFromArray(VOXELS + n) for n in range(3)]
    sitk.WriteImage(sitk.JoinSeries(frames), str(tmp_path / "scan.mha"))
    read = io.read(tmp_path / "scan.mha")
    assert read.channels == ("t0", "t1", "t2")
    assert np.array_equal(read.voxels, [VOXELS.T + n for n in range(3)])


def test_two_dimensions_make_one_slice(tmp_path):
    image = sitk.GetImageFromArray(VOXELS[0])
    image.SetSpacing((0.5, 0.25))
    image.SetOrigin((3, 4))
    sitk.WriteImage(image, str(tmp_path / "scan.mha"))
    read = io.read(tmp_path / "scan.mha")
    assert np.array_equal(read.voxels[0, :, :, 0], VOXELS[0].T)
    assert np.allclose(read.geometry.affine, LPS_TO_RAS @ [[0.5, 0, 0, 3], [0, 0.25, 0, 4], [0, 0, 1, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
    ],
)
def test_the_anatomical_space_of_nrrd_counts(tmp_path, space, signs):
    lines = f"space: {space}\nspace directions: (1,0,0) (0,2,0) (0,0,3)\nspace origin: (5,6,7)"
    (tmp_path / "scan.nrrd").write_bytes(NRRD.format(lines=lines).encode() + VOXELS.tobytes())
    read = io.read(tmp_path / "scan.nrrd")
    assert read.source.orientation_known
    assert np.allclose(read.geometry.affine[:3], np.diag(signs) @ [[1, 0, 0, 5], [0, 2, 0, 6], [0, 0, 3, 7]])
    assert np.array_equal(read.voxels[0], VOXELS.T)


@pytest.mark.parametrize("lines", ["spacings: 1 2 3", "space dimension: 3\nspace directions: (1,0,0) (0,2,0) (0,0,3)"])
def test_a_nrrd_without_anatomical_space_is_of_unknown_orientation(tmp_path, lines):
    (tmp_path / "scan.nrrd").write_bytes(NRRD.format(lines=lines).encode() + VOXELS.tobytes())
    read = io.read(tmp_path / "scan.nrrd")
    assert not read.source.orientation_known
    assert "names no anatomical space" in read.notes[0]
    assert read.geometry.spacing == (1, 2, 3)


def test_a_real_head_agrees_with_itk(brain_tumour):
    read = io.read(brain_tumour / "image.nrrd")
    image = sitk.ReadImage(str(brain_tumour / "image.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(image).T, read.voxels[0])
    for index in [(0, 0, 0), (255, 255, 24)]:
        point = LPS_TO_RAS @ [*image.TransformIndexToPhysicalPoint(index), 1]
        assert np.allclose(read.geometry.to_world(index), point[:3])
    mask = io.read(brain_tumour / "label.nrrd")
    assert mask.geometry == read.geometry


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.mha", "scan.mhd"])
@pytest.mark.parametrize("content", [b"", b"hello\n"])
def test_a_text_file_is_no_scan(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableScanError, match=name):
        io.read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_truncated_file(tmp_path, suffix, compressed):
    path = tmp_path / f"scan{suffix}"
    voxels = np.random.default_rng(0).integers(0, 4000, (20, 20, 20)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path), compressed)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(UnreadableScanError, match=rf"scan\{suffix}"):
        _ = io.read(path).voxels


@pytest.mark.parametrize(
    ("spacing", "matrix"),
    [
        ("1 0 3", "1 0 0 0 1 0 0 0 1"),
        ("1 2 3", "1 0 0 0 0 0 0 0 1"),
        ("1 2 3", "1 0 0 1 0 0 0 0 1"),
        ("1 2 3", "nan 0 0 0 1 0 0 0 1"),
    ],
)
def test_a_metaimage_without_a_grid(tmp_path, spacing, matrix):
    content = META.format(spacing=spacing, matrix=matrix).encode() + VOXELS.tobytes()
    (tmp_path / "scan.mha").write_bytes(content)
    with pytest.raises(GeometryError, match=r"scan\.mha does not say where its voxels lie"):
        io.read(tmp_path / "scan.mha")


@pytest.mark.parametrize("vectors", ["(1,0,0) (0,0,0) (0,0,3)", "(1,0,0) (1,0,0) (0,0,3)", "(nan,0,0) (0,1,0) (0,0,3)"])
def test_a_nrrd_without_a_grid(tmp_path, vectors):
    lines = f"space: left-posterior-superior\nspace directions: {vectors}\nspace origin: (5,6,7)"
    (tmp_path / "scan.nrrd").write_bytes(NRRD.format(lines=lines).encode() + VOXELS.tobytes())
    with pytest.raises(GeometryError, match=r"scan\.nrrd does not say where its voxels lie"):
        io.read(tmp_path / "scan.nrrd")


def test_a_mirroring_spacing_mirrors(tmp_path):
    content = META.format(spacing="1 -2 3", matrix="1 0 0 0 1 0 0 0 1").encode() + VOXELS.tobytes()
    (tmp_path / "scan.mha").write_bytes(content)
    assert np.allclose(np.diag(io.read(tmp_path / "scan.mha").geometry.affine), (-1, 2, 3, 1))


def test_complex_voxels_are_refused(tmp_path):
    image = sitk.RealAndImaginaryToComplex(*[sitk.Image((4, 3, 2), sitk.sitkFloat32)] * 2)
    sitk.WriteImage(image, str(tmp_path / "scan.nrrd"))
    with pytest.raises(UnsuitableScanError, match="complex"):
        io.read(tmp_path / "scan.nrrd")


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_full_disk_leaves_the_old_file(tmp_path, little_disk, monkeypatch, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    voxels = np.random.default_rng(0).integers(0, 4000, (1, 40, 40, 40)).astype(np.int16)
    volume = Volume(voxels, Geometry.from_spacing((40, 40, 40), (1, 1, 1)))
    # ITK hides the system's error number, so that our writer looks at the room left; the limit here leaves none.
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    with little_disk(20_000), pytest.raises(NotEnoughDiskError, match=rf"no room left to write .*out\{suffix}"):
        io.write(volume, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"


def test_a_last_buffer_that_found_no_room_is_noticed(tmp_path, little_disk, monkeypatch):
    """ITK reports success when only the flush at closing fails; see `vesalius.io.itk.write`."""
    voxels = np.random.default_rng(0).integers(0, 255, (1, 10, 10, 10)).astype(np.uint8)
    volume = Volume(voxels, Geometry.from_spacing((10, 10, 10), (1, 1, 1)))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    with little_disk(600), pytest.raises(NotEnoughDiskError):
        io.write(volume, tmp_path / "out.nrrd")
    assert list(tmp_path.iterdir()) == []
