import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image, TiffImagePlugin

from vesalius import io
from vesalius.errors import NotEnoughDiskError, OutputError, UnreadableScanError, UnsuitableScanError
from vesalius.results import Label, Labelmap
from vesalius.volume import Geometry, Volume

WIDTH, HEIGHT = 7, 4
GREY = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH) * 9
COLOUR = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("suffix", "pixels"),
    [
        (".png", GREY),
        (".png", GREY.astype(np.uint16) * 200),
        (".tif", GREY),
        (".tiff", GREY.astype(np.uint16) * 200),
        (".tif", GREY.astype(np.int32) * -9),
        (".tif", GREY.astype(np.float32) / 7),
    ],
)
def test_grey_pictures(tmp_path, suffix, pixels):
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}")
    read = io.read(tmp_path / f"a{suffix}")
    assert read.shape == (1, WIDTH, HEIGHT, 1)
    assert read.channels == ("grey",)
    assert read.voxels.dtype == pixels.dtype
    for column in range(WIDTH):
        for row in range(HEIGHT):
            assert read.voxels[0, column, row, 0] == pixels[row, column]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colour_pictures(tmp_path, suffix):
    Image.fromarray(COLOUR).save(tmp_path / f"a{suffix}")
    read = io.read(tmp_path / f"a{suffix}")
    assert read.channels == ("red", "green", "blue")
    assert np.array_equal(read.voxels[:, 5, 1, 0], COLOUR[1, 5])
    assert np.array_equal(read.voxels[..., 0], COLOUR.transpose(2, 1, 0))


def test_a_picture_lies_where_itk_puts_it_and_nobody_claims_to_know(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    read = io.read(tmp_path / "a.png")
    image = sitk.ReadImage(str(tmp_path / "a.png"))
    assert not read.source.orientation_known
    assert np.linalg.det(read.geometry.affine) > 0
    x, y = image.TransformIndexToPhysicalPoint((5, 3))
    assert np.array_equal(read.geometry.to_world((5, 3, 0)), (-x, -y, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_the_cameras_orientation_is_applied(tmp_path, orientation, suffix):
    # EXIF 2.3, tag 0x0112: where the first row and the first column of the stored picture belong.
    stored = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: GREY[:, ::-1].T,
        7: GREY[::-1, ::-1].T,
        8: GREY[::-1].T,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100} if suffix == ".jpg" else {}
    if suffix == ".tif":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[0x0112] = orientation
        options = {"tiffinfo": tags}
    else:
        options["exif"] = exif
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a{suffix}", **options)
    read = io.read(tmp_path / f"a{suffix}")
    assert read.geometry.shape == (WIDTH, HEIGHT, 1)
    tolerance = 6 if suffix == ".jpg" else 0
    assert np.abs(read.voxels[0, :, :, 0].T.astype(int) - GREY).max() <= tolerance


def test_transparency_is_left_out_and_said(tmp_path):
    alpha = np.full((HEIGHT, WIDTH, 1), 7, np.uint8)
    Image.fromarray(np.concatenate([COLOUR, alpha], axis=2)).save(tmp_path / "a.png")
    Image.fromarray(np.concatenate([GREY[..., None], alpha], axis=2)).save(tmp_path / "b.png")
    colour, grey = io.read(tmp_path / "a.png"), io.read(tmp_path / "b.png")
    assert np.array_equal(colour.voxels[..., 0], COLOUR.transpose(2, 1, 0))
    assert np.array_equal(grey.voxels[0, ..., 0], GREY.T)
    for read in (colour, grey):
        assert "transparency" in read.notes[0]


def test_palette_black_and_white_and_print_colours(tmp_path):
    Image.fromarray(COLOUR).quantize(16).save(tmp_path / "palette.png")
    Image.fromarray(GREY > 100).save(tmp_path / "bits.png")
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "print.tif")
    palette = io.read(tmp_path / "palette.png")
    assert palette.channels == ("red", "green", "blue")
    assert np.array_equal(palette.voxels[..., 0].T, np.asarray(Image.open(tmp_path / "palette.png").convert("RGB")))
    assert np.array_equal(io.read(tmp_path / "bits.png").voxels[0, ..., 0].T, (GREY > 100) * np.uint8(255))
    assert io.read(tmp_path / "print.tif").voxels.shape == (3, WIDTH, HEIGHT, 1)


def test_16_bits_a_colour_are_reduced_and_said(tmp_path):
    image = sitk.GetImageFromArray(COLOUR.astype(np.uint16) * 257, isVector=True)
    sitk.WriteImage(image, str(tmp_path / "a.png"))
    read = io.read(tmp_path / "a.png")
    assert "16 bits" in read.notes[0]
    assert np.array_equal(read.voxels[..., 0], COLOUR.transpose(2, 1, 0))


def test_the_pages_of_a_tiff_follow_each_other(tmp_path):
    pages = [Image.fromarray(GREY + n) for n in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    read = io.read(tmp_path / "a.tif")
    assert read.shape == (1, WIDTH, HEIGHT, 3)
    assert np.array_equal(read.voxels[0], np.stack([GREY.T + n for n in range(3)], axis=-1))
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=[Image.fromarray(COLOUR)])
    with pytest.raises(UnsuitableScanError, match=r"2 pages of .*b\.tif differ"):
        io.read(tmp_path / "b.tif")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_damaged_pictures(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (90, 90)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    for damaged in (b"hello\n", content[: len(content) // 2]):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(UnreadableScanError, match=name):
            _ = io.read(tmp_path / name).voxels


@pytest.mark.parametrize("pixels", [GREY, GREY.astype(np.uint16) * 200, COLOUR])
def test_pillow_reads_what_we_wrote(tmp_path, pixels):
    voxels = pixels.T[..., np.newaxis] if pixels.ndim == 3 else pixels.T[np.newaxis, ..., np.newaxis]
    geometry = Geometry.from_spacing((WIDTH, HEIGHT, 1), (1, 1, 1))
    io.write(Volume(voxels, geometry, channels=("x",) * len(voxels)), tmp_path / "a.png")
    written = np.asarray(Image.open(tmp_path / "a.png"))
    assert written.dtype == pixels.dtype
    assert np.array_equal(written, pixels)


def test_labels_as_a_picture(tmp_path):
    geometry = Geometry.from_spacing((WIDTH, HEIGHT, 1), (1, 1, 1))
    io.write(
        Labelmap(GREY.T[..., np.newaxis].astype(np.int32), geometry, {9: Label(name="x", colour="#ffffff")}),
        tmp_path / "a.png",
    )
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), GREY)


def test_labels_have_their_colours_in_a_viewer(tmp_path):
    geometry = Geometry.from_spacing((2, 2, 1), (1, 1, 1))
    voxels = np.array([[0, 9], [7, 9]], np.uint16)[..., np.newaxis]
    labels = {9: Label(name="x", colour="#ff8001"), 300: Label(name="y", colour="#ffffff")}
    io.write(Labelmap(voxels, geometry, labels), tmp_path / "a.png")
    seen = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert seen.tolist() == [[[0, 0, 0], [0, 0, 0]], [[255, 128, 1], [255, 128, 1]]]


@pytest.mark.parametrize(
    ("shape", "dtype", "reason"),
    [
        ((1, 7, 4, 3), "u1", "3 slices"),
        ((2, 7, 4, 1), "u1", "2 channels of uint8"),
        ((1, 7, 4, 1), "f4", "1 channels of float32"),
        ((3, 7, 4, 1), "u2", "3 channels of uint16"),
    ],
)
def test_what_no_png_can_hold(tmp_path, shape, dtype, reason):
    geometry = Geometry.from_spacing(shape[1:], (1, 1, 1))
    volume = Volume(np.zeros(shape, dtype), geometry, channels=("x",) * shape[0])
    with pytest.raises(OutputError, match=rf"a\.png cannot hold .*{reason}"):
        io.write(volume, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path, little_disk):
    noise = np.random.default_rng(0).integers(0, 255, (1, 300, 300, 1)).astype(np.uint8)
    volume = Volume(noise, Geometry.from_spacing((300, 300, 1), (1, 1, 1)))
    with little_disk(20_000), pytest.raises(NotEnoughDiskError):
        io.write(volume, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
