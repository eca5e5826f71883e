"""What users upload, and what they should not."""

import numpy as np
import pytest
from PIL import Image

from tests import shapes
from worker import picture

GREY = np.tile(np.linspace(0, 255, 64), (48, 1))
COLOUR = np.stack([GREY, GREY.round() * 0 + 90, 255 - GREY], axis=-1).round().astype(np.uint8)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    image = Image.fromarray((GREY * 257).round().astype(np.uint16))
    read = picture.read(shapes.encoded_image(image, "PNG"), 2048)
    assert abs(read[..., 0].astype(float) - GREY).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_it_is_the_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    data = shapes.encoded_image(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    picture.check(data)
    assert picture.read(data, 2048)[15, 20].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGB", "JPEG", {"quality": 95}),
        ("RGB", "JPEG", {"quality": 95, "progressive": True}),
        ("CMYK", "JPEG", {"quality": 95}),
        ("RGB", "PNG", {}),
        ("RGBA", "PNG", {}),
        ("RGB", "WEBP", {"lossless": True}),
        ("P", "PNG", {}),
    ],
)
def test_every_kind_has_the_same_colours(mode: str, kind: str, options: dict[str, object]) -> None:
    data = shapes.encoded_image(Image.fromarray(COLOUR).convert(mode), kind, **options)
    picture.check(data)
    read = picture.read(data, 2048)
    assert read.shape == (48, 64, 4)
    tolerance = 60 if mode == "P" else 12
    assert abs(read[..., :3].astype(int) - COLOUR).max() <= tolerance
    assert (read[..., 3] == 255).all()


def test_grey_and_grey_with_alpha() -> None:
    grey = GREY.round().astype(np.uint8)
    assert (picture.read(shapes.encoded_image(Image.fromarray(grey), "PNG"), 2048)[..., 2] == grey).all()
    with_alpha = Image.merge("LA", [Image.fromarray(grey), Image.new("L", (64, 48), 7)])
    assert (picture.read(shapes.encoded_image(with_alpha, "PNG"), 2048)[..., 3] == 7).all()


def test_exif_orientation_comes_first() -> None:
    upright = np.zeros((40, 20, 3), np.uint8)
    upright[:10] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right by a quarter
    sideways = Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    read = picture.read(shapes.encoded_image(sideways, "JPEG", exif=exif, quality=95), 2048)
    assert read.shape == (40, 20, 4)
    assert read[2:8, 4:16, 0].min() > 200
    assert read[14:, 4:16, 0].max() < 50


def test_large_pictures_are_reduced_without_colour_from_clear_pixels() -> None:
    large = np.zeros((600, 800, 4), np.uint8)
    large[..., 0] = 255  # red, clear
    large[:, 401:] = (0, 0, 255, 255)
    read = picture.read(shapes.encoded(large), 200)
    assert read.shape == (150, 200, 4)
    shown = read[read[..., 3] > 0]
    assert shown[:, 2].min() > 250


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (8000, 5001)])
def test_too_many_pixels_are_refused_by_the_header(width: int, height: int) -> None:
    with pytest.raises(picture.TooManyPixels):
        picture.check(shapes.claiming(width, height))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_cut_off_pictures_are_refused(kind: str) -> None:
    data = shapes.encoded(shapes.on_colour(shapes.ball(), (9, 200, 90)), kind)
    picture.check(data)
    for length in (len(data) // 2, 40, 16):
        with pytest.raises(picture.Undecodable):
            picture.check(data[:length])


@pytest.mark.parametrize("data", [b"", b"just text", b"GIF89a" + bytes(50), b"%PDF-1.7", b"<svg/>"])
def test_other_types_are_refused(data: bytes) -> None:
    with pytest.raises(picture.UnknownType):
        picture.check(data)
