import io
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning
from genbench.data.arrayfile import open_array
from genbench.data.samplefile import USUAL, check_range_is_used, open_samples

GREY = DataInfo("grey", (1, 5, 4))
COLOUR = DataInfo("colour", (3, 5, 4))
POINTS = DataInfo("points", (2,))


def images(info=GREY, n=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *info.shape), dtype=np.uint8)


def saved(folder, array, name="x.npy", **options):
    np.save(folder / name, array, **options)
    return folder / name


def read(path, info=GREY, value_range=None):
    with open_samples(path, info, value_range) as samples:
        return samples[:]


def refused(path, text, info=GREY, value_range=None):
    with pytest.raises(DataError, match=text) as told, open_samples(path, info, value_range):
        pass
    assert "\n" not in str(told.value)


LAYOUTS = {
    "N C H W": lambda x: x,
    "N H W C": lambda x: np.moveaxis(x, 1, -1),
    "N H W": lambda x: x[:, 0],
    "Fortran": np.asfortranarray,
}


@pytest.mark.parametrize(
    ("info", "layout"),
    [*((GREY, layout) for layout in LAYOUTS), *((COLOUR, each) for each in LAYOUTS if each != "N H W")],
)
def test_every_layout_gives_the_same_samples_and_hash(tmp_path, info, layout):
    plain, arranged = saved(tmp_path, images(info), "a.npy"), LAYOUTS[layout](images(info))
    with open_samples(plain, info) as one, open_samples(saved(tmp_path, arranged), info) as other:
        assert other.hash == one.hash
        assert np.array_equal(other[:], images(info)) and other[:].flags.c_contiguous
        assert np.array_equal(other[2:5], images(info)[2:5]) and len(other) == 9
        assert np.array_equal(other[7:99], images(info)[7:])


def test_the_hash_is_that_of_every_number_and_their_order(tmp_path):
    def hashed(array, info=GREY, value_range=None):
        with open_samples(saved(tmp_path, array), info, value_range) as samples:
            return samples.hash

    changed = images()
    changed[8, 0, 4, 3] ^= 1
    points = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    different = [hashed(each) for each in (images(), images()[:8], images()[::-1], changed)]
    different += [hashed(each, POINTS) for each in (points, points[::-1])]
    assert len(set(different)) == 6
    assert hashed(images() / 255, value_range=(0, 1)) == different[0] == "f2e4eb2266db"


KINDS = ["<f2", "<f4", "<f8", ">f4", ">f8"]


@given(span=st.sampled_from([*USUAL, (-3.5, 2.25)]), kind=st.sampled_from(KINDS), seed=st.integers(0, 99))
def test_images_come_back_from_every_range(span, kind, seed):
    low, high = span
    scaled = (images(seed=seed) / 255 * (high - low) + low).astype(kind)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        assert np.array_equal(read(saved(Path(folder), scaled), value_range=span), images(seed=seed))


def test_grey_levels_are_rounded_as_those_of_a_models_samples(tmp_path):
    import torch

    from genbench.train.sampling import as_stored

    x = torch.rand(400, 1, 5, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert np.array_equal(read(saved(tmp_path, x.numpy()), value_range=(-1, 1)), as_stored(x, GREY).numpy())


@pytest.mark.parametrize("kind", ["i1", "u2", ">i4", "i8"])
def test_whole_numbers_need_a_range_too(tmp_path, kind):
    small = images() // 4
    small[0, 0, 0, 0], small[0, 0, 0, 1] = 0, 100
    path = saved(tmp_path, small.astype(kind))
    refused(path, r"numbers from 0 to 100\. Which numbers mean black and white\? .*--range 0:255")
    assert read(path, value_range=(0, 100)).max() == 255


@pytest.mark.parametrize(
    ("low", "high", "advice"),
    [
        (0.0, 0.999, "If they are 0 and 1, give --range 0:1"),
        (-0.98, 0.999, "If they are -1 and 1, give --range -1:1"),
        (0.0, 254.0, "If they are 0 and 255, give --range 0:255"),
        (-0.42, 2.8, "None of the usual 0:1, -1:1, 0:255 holds these: .* normalized"),
    ],
)
def test_floats_without_a_range_are_told_their_extremes_and_the_option(tmp_path, low, high, advice):
    floats = (images() / 255 * (high - low) + low).astype(np.float32)
    floats.flat[:2] = low, high
    refused(saved(tmp_path, floats), rf"float32 numbers from {low:g} to {high:g}\. Which .* {advice}")


def test_values_outside_are_counted_not_clipped(tmp_path):
    floats = images() / 255
    floats.flat[:3] = -0.001, 1.0019, 1.0  # less than half a grey level: rounding
    assert read(saved(tmp_path, floats), value_range=(0, 1)).flatten()[:3].tolist() == [0, 255, 255]
    floats.flat[:2] = -0.003, 7
    text = r"from -0.003 to 7, and 2 of 180 lie outside of 0:1 by more than rounding; nothing is clipped"
    refused(saved(tmp_path, floats), text, value_range=(0, 1))


def test_an_outlier_moves_no_other_sample(tmp_path):
    """Some codes scale by the least and greatest number of all samples: one changes the scores of all."""
    dim = 0.25 + images() / 1020
    outlier = np.concatenate([dim, np.ones((1, *GREY.shape))])
    before = read(saved(tmp_path, dim), value_range=(0, 1))
    after = read(saved(tmp_path, outlier, "y.npy"), value_range=(0, 1))
    assert np.array_equal(after[:-1], before) and before.max() < 130


@pytest.mark.parametrize(
    ("array", "span"),
    [
        (images() / 255, (-1, 1)),
        (images() / 255, (0, 255)),
        ((images() > 99).astype(np.uint8), None),
        (images() / 127.5 - 1, (-9, 9)),
    ],
)
def test_a_range_that_is_hardly_used_is_a_warning(tmp_path, array, span):
    with pytest.warns(GenbenchWarning, match="a small part of the range .* all scores are wrong"):
        read(saved(tmp_path, array), value_range=span)


@pytest.mark.parametrize(
    ("array", "span"),
    [
        (images(), (0, 1)), (images() // 3, (0, 1)), (images() / 255, (0, 1)),
        (images() / 127.5 - 1, (-1, 1)), (images() * 1.0, (0, 255)),
    ],
)  # fmt: skip
def test_an_ordinary_range_is_none(tmp_path, array, span, recwarn):
    read(saved(tmp_path, array), value_range=span)
    assert not recwarn.list


def test_a_range_does_not_change_uint8(tmp_path):
    assert np.array_equal(read(saved(tmp_path, images()), value_range=(-1, 1)), images())


@pytest.mark.parametrize("span", [(1, 0), (0, 0), (0, np.inf), (np.nan, 1)])
def test_a_range_that_is_none(tmp_path, span):
    refused(saved(tmp_path, images()), "--range .*: expected two numbers, the lower first", value_range=span)


@pytest.mark.parametrize("stray", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("span", [None, (0, 1)])
def test_rows_without_finite_numbers_are_named(tmp_path, stray, span):
    floats = images(n=40) / 255
    floats[3, 0, 1, 1] = floats[17, 0, 2, 2] = stray
    text = r"2 of its 40 samples hold NaN or infinity \(counted from 0: 3, 17\)"
    refused(saved(tmp_path, floats), text, value_range=span)
    floats[20:] = stray
    refused(saved(tmp_path, floats), r"22 of its .*: 3, 17, 20, 21, 22 and 17 more\)", value_range=span)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (images()[:, :, :4], r"shape \(9, 1, 4, 4\); .* \(N, 5, 4\) or \(N, 5, 4, 1\) or \(N, 1, 5, 4\)\."),
        (images()[0], r"shape \(1, 5, 4, *\)|shape \(1, 5, 4\)"),
        (images().reshape(9, 20), r"shape \(9, 20\)"),
        (np.uint8(3), r"shape \(\)"),
        (images()[:0], r"holds no samples: its shape is \(0, 1, 5, 4\)"),
        (images() > 3, "holds bool; images are uint8"),
        (images() * 1j, "holds complex128"),
        (images().astype("S3"), "holds .*S3"),
        (np.zeros((9, 5, 4), [("a", "u1")]), "images are uint8"),
    ],
)
def test_what_are_no_images_of_the_dataset(tmp_path, array, text):
    if np.shape(array) == (1, 5, 4):  # one image alone is a set of one
        assert read(saved(tmp_path, array)).shape == (1, 1, 5, 4)
    else:
        refused(saved(tmp_path, array), text)


def test_channels_first_or_last_that_cannot_be_told(tmp_path):
    cube = DataInfo("cube", (3, 3, 3))
    refused(saved(tmp_path, images(cube)), "come first or last cannot be told", cube)


@pytest.mark.parametrize("kind", [*KINDS])
def test_points_are_taken_as_they_are(tmp_path, kind):
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(kind)
    found = read(saved(tmp_path, points), POINTS)
    assert found.dtype == np.float32 and np.array_equal(found, points.astype(np.float32))


def test_what_are_no_points_of_the_dataset(tmp_path):
    points = np.random.default_rng(0).normal(size=(50, 2))
    path = saved(tmp_path, points)
    refused(path, "--range: samples of 'points' are points", POINTS, (0, 1))
    refused(saved(tmp_path, points[:, :1]), r"shape \(50, 1\); .* have the shape \(N, 2\)\. Save", POINTS)
    refused(saved(tmp_path, points.astype(int)), "holds int64; points are floating-point", POINTS)
    points[7] = 1e300
    refused(
        saved(tmp_path, points), r"1 of its 50 samples hold NaN or infinity \(counted from 0: 7\)", POINTS
    )


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "names", [("samples", "images"), ("images", "arr_0", "z"), ("arr_0", "b"), ("only",)], ids="+".join
)
def test_the_member_of_an_npz(tmp_path, write, names):
    others = {name: np.zeros(3) for name in names[1:]}
    write(tmp_path / "x.npz", **others, **{names[0]: LAYOUTS["N H W C"](images())})
    assert np.array_equal(read(tmp_path / "x.npz"), images())


def test_an_npz_without_a_member_to_choose(tmp_path):
    np.savez(tmp_path / "x.npz", b=images(), a=images())
    refused(tmp_path / "x.npz", "which array holds the samples. It has a, b")
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("readme.txt", "no")
    refused(tmp_path / "y.npz", "It has no array")


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    trap = np.array([Trap()], dtype=object)
    np.savez(tmp_path / "x.npz", samples=trap)
    for path in (saved(tmp_path, trap, allow_pickle=True), tmp_path / "x.npz"):
        refused(path, "Python objects, which are never unpickled")
    assert not (tmp_path / "sprung").exists()


def announce(shape, descr="|u1"):
    """An .npy whose header announces what need not be there."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (announce((10**12, 5, 4)), r"announces .*(bytes of numbers, and only 0 are there|has .* left)"),
        (announce((9, 5, 4)) + bytes(179), "announces 180 bytes of numbers, and only 179 are there"),
        (announce((9, 5, 4)) + bytes(181), "announces 180 bytes of numbers, and at least 181 are there"),
        (announce((-9, -5, 4)), r"damaged: it announces the shape"),
        (announce((2**40, 2**40, 5)), r"have the shape"),
        (announce((9, 5, True)) + bytes(45), r"damaged: it announces the shape"),
        (announce((0, 10**30)), r"damaged: it announces the shape"),
        (b"hello", "is no array file of NumPy"),
        (b"", "is no array file of NumPy"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, "is no array file of NumPy"),
        (b"\x93NUMPY\x09\x00" + struct.pack("<H", 9), "is no array file of NumPy"),
    ],
)
def test_damaged_arrays(tmp_path, content, text, suffix):
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("samples.npy", content)
    refused(path, text)


@pytest.mark.filterwarnings("ignore")  # of Python, about what it evaluates
def test_any_damage_of_a_header_is_told_or_harmless(tmp_path):
    path, random = tmp_path / "x.npy", np.random.default_rng(0)
    header = announce((9, 5, 4))
    ways = ["(" * 60, "[" * 60, "}", ")", "'", "True", "None", "9" * 30, "-", "O", "V", "\\", "\n", " ", ""]
    cases = [header.replace(b"}", b" "), header.replace(b"(9, 5, 4)", b"(((9, 5, 4")]
    for _ in range(300):
        damaged = bytearray(header)
        at = int(random.integers(6, header.index(b"}") + 1))
        way = random.choice(ways).encode() if random.random() < 0.6 else random.bytes(random.integers(1, 9))
        damaged[at : at + len(way)] = way
        cases.append(bytes(damaged))
    cases += [header[:10] + random.bytes(len(header) - 10) for _ in range(50)]
    opened = 0
    for case in cases:
        path.write_bytes(case + bytes(180))
        try:
            with open_array(path, lambda header: None) as array:
                array[:3]
            opened += 1
        except DataError:
            pass
    assert opened < len(cases) / 2


def test_an_array_that_cannot_be_mapped(tmp_path):
    path = saved(tmp_path, np.uint8(3))
    with open_array(path, lambda header: None) as array, pytest.raises(DataError, match="or is damaged"):
        array[:3]


def test_damaged_archives(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", samples=images(n=99))
    whole = (tmp_path / "x.npz").read_bytes()
    middle = len(whole) // 2
    for content in (b"hello", b"", whole[:middle], whole[:middle] + b"\0\0\0\0" + whole[middle + 4 :]):
        (tmp_path / "x.npz").write_bytes(content)
        refused(tmp_path / "x.npz", "is no .npz file that can be read")


@pytest.mark.run
def test_a_small_archive_that_unpacks_to_much_fills_no_memory(tmp_path):
    """A member of 400 MB of zeros, packed into 400 kB."""
    import tracemalloc

    n = 20_000_000
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("samples.npy", "w") as member,
    ):
        member.write(announce((n, 5, 4)))
        for _ in range(n * 20 // 10**6 - 1):
            member.write(bytes(10**6))
    tracemalloc.start()
    try:
        refused(tmp_path / "x.npz", "only 399,000,000 are there")
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_a_full_disk_is_told_before_it_is_filled(tmp_path, monkeypatch):
    from shutil import disk_usage

    np.savez(tmp_path / "x.npz", samples=images())
    monkeypatch.setattr("shutil.disk_usage", lambda path: disk_usage(path)._replace(free=100))
    refused(tmp_path / "x.npz", "announces 180 bytes, and the folder for temporary files, .* has 100 left")


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = saved(tmp_path, images(n=1000))
    with open_samples(path, GREY) as samples, pytest.raises(DataError, match="was changed while it was read"):
        path.write_bytes(path.read_bytes()[:500])
        samples[:10]


def test_a_range_that_contradicts_uint8(tmp_path):
    paths = saved(tmp_path, images()), saved(tmp_path, images() / 255, "floats.npy")
    for span in ((0, 1), (-1, 1)):
        with open_samples(paths[0], GREY, span) as whole, open_samples(paths[1], GREY, (0, 1)) as floats:
            with pytest.raises(
                DataError, match=rf"--range {span[0]}:1: .*x.npy is uint8, .* Leave the range out"
            ):
                check_range_is_used([whole], span)
            with pytest.warns(GenbenchWarning, match=r"x.npy is uint8, .* is for the others"):
                check_range_is_used([whole, floats], span)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                check_range_is_used([floats], span)
                check_range_is_used([whole], (0, 255))
                check_range_is_used([whole], None)


def test_what_is_no_sample_file(tmp_path):
    refused(tmp_path / "x.npy", "cannot be read: No such file")
    refused(tmp_path / "x.pt", "is not there. Give a .npy or .npz file, or a folder of images")
    (tmp_path / "x.png").write_bytes(b"")
    refused(tmp_path / "x.png", "holds no samples that can be read. Give a .npy")
    (tmp_path / "f.npy").mkdir()
    refused(tmp_path / "f.npy", "f.npy has no images")


def folder_of(folder, array, name="{:03}.png", mode=None, **options):
    for number, image in enumerate(array):
        picture = Image.fromarray(np.moveaxis(image, 0, -1).squeeze())
        picture = picture.convert(mode) if mode else picture
        picture.save(folder / name.format(number), **options)
    return folder


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "webp", "ppm"])
@pytest.mark.parametrize("info", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_folder_of_images(tmp_path, info, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    folder_of(tmp_path, images(info), "{:03}." + suffix, **options)
    (tmp_path / ".DS_Store").touch()
    assert np.array_equal(read(tmp_path, info), images(info))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_grey_images_in_every_mode(tmp_path, mode):
    assert np.array_equal(read(folder_of(tmp_path, images(), mode=mode)), images())


def test_black_and_white_images_and_grey_ones_for_colour(tmp_path):
    binary = np.where(images() > 99, 255, 0).astype(np.uint8)
    assert np.array_equal(read(folder_of(tmp_path, binary, mode="1")), binary)
    assert np.array_equal(read(tmp_path, COLOUR), np.repeat(binary, 3, axis=1))


def test_other_things_in_the_folder_are_told(tmp_path):
    folder_of(tmp_path, images())
    (tmp_path / "notes.txt").touch()
    (tmp_path / "more.png").mkdir()
    with pytest.warns(GenbenchWarning, match="left out what is no image: more.png, notes.txt"):
        assert len(read(tmp_path)) == 9


def test_jpeg_is_read_with_a_warning(tmp_path):
    smooth = np.full((4, *GREY.shape), 77, np.uint8)
    smooth[0] = 200
    folder_of(tmp_path, smooth, "{:03}.jpg", quality=95)
    with pytest.warns(GenbenchWarning, match="4 of its 4 images are JPEG: what the compression lost"):
        assert np.abs(read(tmp_path).astype(int) - smooth).max() < 4


def test_images_that_are_refused_by_name(tmp_path):
    folder_of(tmp_path, images())
    odd = tmp_path / "odd.png"

    def refuse(text):
        refused(tmp_path, f"odd.png {text}")

    Image.new("L", (5, 5)).save(odd)
    refuse("is 5 pixels wide and 5 high; the dataset's images are 4 and 5. Resize")
    Image.new("I;16", (4, 5)).save(odd)
    refuse("has pixels of mode 'I;16', not of 8 bits")
    Image.new("RGBA", (4, 5), (9, 9, 9, 128)).save(odd)
    refuse("is transparent in places")
    Image.new("P", (4, 5)).save(odd, transparency=0)
    refuse("is transparent in places")
    Image.new("L", (4, 5)).save(odd, save_all=True, append_images=[Image.new("L", (4, 5), 9)])
    refuse("is an animation")
    for content in (b"", b"hello", (tmp_path / "000.png").read_bytes()[:60], b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        odd.write_bytes(content)
        refuse("cannot be read as an image")


def png(depth, colour_type, channels, width=4, height=5):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = b"\0" + b"\xff" * (width * channels * depth // 8)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(row * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("info", [GREY, COLOUR], ids=["grey", "colour"])
def test_sixteen_bits_in_any_mode_are_refused(tmp_path, info):
    for colour_type, channels in ((0, 1), (2, 3), (4, 2), (6, 4)):
        (tmp_path / "x.png").write_bytes(png(8, colour_type, channels))
        assert read(tmp_path, info).min() == 255
        (tmp_path / "x.png").write_bytes(png(16, colour_type, channels))
        refused(
            tmp_path, r"x.png has .* bits a channel, and how to bring them to 0 to 255 is not known", info
        )
    (tmp_path / "x.png").unlink()
    for content in (b"P6 4 5 65535\n" + bytes(120), b"P3 4 5 1000\n" + b"0 " * 60):
        (tmp_path / "x.ppm").write_bytes(content)
        refused(tmp_path, "x.ppm has more than 8 bits a channel", info)
    (tmp_path / "x.ppm").write_bytes(b"P6 4 5 255\n" + bytes([77] * 60))
    assert (read(tmp_path, info) == 77).all()


@pytest.mark.parametrize(("suffix", "mode"), [("png", None), ("png", "P"), ("bmp", None), ("jpg", "CMYK")])
@pytest.mark.filterwarnings("ignore:.*JPEG")
def test_colour_is_not_greyed(tmp_path, suffix, mode):
    folder_of(tmp_path, images())
    picture = Image.new("RGB", (4, 5), (90, 90, 90))
    picture.putpixel((2, 3), (90, 240, 10))
    (picture.convert(mode) if mode else picture).save(tmp_path / f"odd.{suffix}")
    refused(tmp_path, f"odd.{suffix} is in colour, and the dataset's images are grey")
    for file in tmp_path.glob("*.png"):
        file.unlink()
    if suffix != "png":
        assert np.ptp(read(tmp_path, COLOUR), axis=1).any()


def test_grey_jpeg_saved_in_colour_stays_grey(tmp_path):
    folder_of(tmp_path, images(), "{:03}.jpg", mode="RGB")
    with pytest.warns(GenbenchWarning, match="JPEG"):
        assert read(tmp_path).shape == (9, 1, 5, 4)


def test_folders_without_images_for_this_dataset(tmp_path):
    refused(tmp_path, r"has no images \(.png, .*\)\. It is empty")
    for letter in "abcdefg":
        (tmp_path / f"{letter}.txt").touch()
    refused(tmp_path, r"It has a.txt, b.txt, c.txt, d.txt, e.txt and 2 more")
    refused(tmp_path, "samples of 'points' are points, which image files do not hold", POINTS)
    refused(tmp_path, "are images of 2 channels", DataInfo("two", (2, 5, 4)))
