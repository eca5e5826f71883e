"""The pictures of the model: the rasteriser, the atlas, the thumbnail and the turntable."""

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, WebPImagePlugin

from tests import shapes
from worker.engines.silhouette import depth, matte, mesh, thumbnail, turntable
from worker.engines.silhouette.model import Model
from worker.engines.silhouette.raster import rasterise
from worker.engines.silhouette.studio import Camera, Frame, Studio
from worker.engines.silhouette.texture import GUTTER, SIDE

Floats = npt.NDArray[np.float64]


def go_on() -> None:
    pass


def painted(coverage: shapes.Picture, faces: int = 4000) -> Model:
    picture = shapes.rgba(coverage)
    alpha = matte.cut_out(picture, go_on).alpha
    surface = mesh.build(depth.estimate(picture, alpha, go_on), faces, go_on)
    return Model.painted(surface, picture, alpha)


@pytest.fixture(scope="module")
def torus() -> Model:
    return painted(shapes.torus())


@pytest.fixture(scope="module")
def lopsided() -> Model:
    """A ball at the picture's left, a smaller one at its right, lower."""
    coverage = np.maximum(shapes.ball(100, (130, 170)), shapes.ball(50, (260, 230)))
    return painted(coverage)


# -- the rasteriser -------------------------------------------------------------------------------------


def turn(a: Floats, b: Floats, c: Floats) -> float:
    """Twice the area of the triangle in the picture plane, positive where it turns counter-clockwise."""
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def test_each_pixel_shows_the_nearest_face_around_its_centre() -> None:
    random = np.random.default_rng(5)
    size, count = 48, 60
    points = random.uniform(-1.2, 1.2, (3 * count, 3))
    faces = np.arange(3 * count).reshape(-1, 3)
    drawn = rasterise(points, faces, size)

    seen = np.full((size, size), -1)
    nearest = np.full((size, size), -np.inf)
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    for number, (a, b, c) in enumerate(points[faces]):
        area = turn(a, b, c)
        if area <= 0:
            continue
        for row, y in enumerate(-centres):
            for column, x in enumerate(centres):
                centre = np.array([x, y])
                weights = [turn(u, v, centre) / area for u, v in ((b, c), (c, a), (a, b))]
                depth_here = float(np.dot(weights, [a[2], b[2], c[2]]))
                if min(weights) > 0 and depth_here > nearest[row, column]:
                    nearest[row, column], seen[row, column] = depth_here, number
    assert (seen >= 0).mean() > 0.8
    np.testing.assert_array_equal(drawn.pixels, np.nonzero(seen.ravel() >= 0)[0])
    np.testing.assert_array_equal(drawn.faces, seen.ravel()[drawn.pixels])
    places = drawn.interpolate(points, faces)
    assert places[:, 2] == pytest.approx(nearest.ravel()[drawn.pixels], abs=1e-5)
    assert places[:, 0] == pytest.approx(centres[drawn.pixels % size], abs=1e-5)


def test_faces_that_share_edges_leave_no_gap_and_overlap_nowhere() -> None:
    # A net of squares of two pixels, cut into triangles, whose every edge runs through pixels' centres.
    size, squares = 16, 6
    at = (2 * np.arange(squares + 1) + 1.5) / size * 2 - 1
    x, y = np.meshgrid(at, at)
    points = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    corner = (np.arange(squares)[:, None] * (squares + 1) + np.arange(squares)).ravel()
    lower = np.stack([corner, corner + 1, corner + squares + 2], 1)
    upper = np.stack([corner, corner + squares + 2, corner + squares + 1], 1)
    both, one, other = (
        set(rasterise(points, faces, size).pixels.tolist())
        for faces in (np.concatenate([lower, upper]), lower, upper)
    )
    assert len(both) == (2 * squares) ** 2
    assert one | other == both
    assert not one & other


def test_nothing_in_view_is_an_empty_picture() -> None:
    triangle = np.array([[5.0, 5, 0], [6, 5, 0], [5, 6, 0]])
    faces = np.array([[0, 1, 2]])
    assert len(rasterise(triangle, faces, 16).pixels) == 0
    assert len(rasterise(triangle - 5, faces[:, ::-1], 16).pixels) == 0


# -- the atlas ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outline", ["tall", "wide"])
@pytest.mark.parametrize("level", range(5))
def test_no_chart_bleeds_into_the_other_at_any_mip_level(outline: str, level: int) -> None:
    model = painted(shapes.box(100, 150) if outline == "tall" else shapes.box(150, 100))
    charts = np.split(model.texture.corners, [model.mesh.front_faces])
    front, back = (model.texture.places[np.unique(corners)] for corners in charts)
    across = 0 if outline == "tall" else 1
    border = round(back[:, across].min() + 0.5) - GUTTER
    assert front[:, across].max() + 0.5 <= border - GUTTER
    for own, foreign in ((front, slice(border, None)), (back, slice(None, border))):
        marked = np.zeros((SIDE, SIDE), np.float32)
        (marked.T if across == 0 else marked)[foreign] = 1
        mip = cv2.resize(marked, None, fx=0.5**level, fy=0.5**level, interpolation=cv2.INTER_AREA)
        assert sample(mip, (own + 0.5) * 0.5**level - 0.5).max() == 0


def sample(image: shapes.Picture, places: shapes.Picture) -> shapes.Picture:
    """Bilinear samples at (column, row)."""
    column, row = places.astype(np.float32).T[..., None]
    return cv2.remap(image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def test_the_atlas_shows_nothing_of_the_background() -> None:
    picture = shapes.on_colour(shapes.ball(), (255, 255, 255))
    picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    alpha = matte.cut_out(picture, go_on).alpha
    surface = mesh.build(depth.estimate(picture, alpha, go_on), 4000, go_on)
    # The object's blue is 40 everywhere, the background's 255.
    assert Model.painted(surface, picture, alpha).texture.atlas[..., 2].max() <= 60


def test_every_vertex_has_its_places_colour_in_both_charts(lopsided: Model) -> None:
    texture = lopsided.texture
    colours = sample(texture.atlas.astype(np.float32), texture.places)[:, 0]
    x, y = lopsided.mesh.picture[texture.vertices].T
    # The colours of the rim's pixels come from a little farther in.
    assert abs(colours[:, 0] - x / shapes.SIDE * 255).max() < 8
    assert abs(colours[:, 1] - y / shapes.SIDE * 255).max() < 8
    assert len(np.unique(texture.vertices)) == len(lopsided.mesh.vertices) < len(texture.vertices)


# -- the lit pictures -----------------------------------------------------------------------------------


def test_the_thumbnail_is_upright_and_inside_its_frame(lopsided: Model) -> None:
    studio = Studio(lopsided.mesh, lopsided.texture)
    picture = thumbnail.thumbnail(studio).astype(int)
    assert picture.shape == (512, 512, 4)
    alpha = picture[..., 3]
    assert max(edge.max() for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])) == 0
    body = alpha == 255
    rows, columns = np.nonzero(body)
    assert max(np.ptp(rows), np.ptp(columns)) > 380
    # Red grows to the picture's right, green downwards.
    left, right = picture[body & (np.arange(512) < 200)], picture[body & (np.arange(512) > 340)]
    assert right[:, 0].mean() > left[:, 0].mean() + 40
    upper, lower = (
        picture[body & (np.arange(512) < 200)[:, None]],
        picture[body & (np.arange(512) > 320)[:, None]],
    )
    assert lower[:, 1].mean() > upper[:, 1].mean() + 10


def test_shadow_is_black_and_below(torus: Model) -> None:
    picture = thumbnail.thumbnail(Studio(torus.mesh, torus.texture))
    shadow = (picture[..., 3] > 20) & (picture[..., 3] < 200) & (picture[..., :3].max(axis=2) == 0)
    assert shadow.sum() > 2000
    assert np.nonzero(shadow)[0].min() > 256


def test_the_frame_holds_the_model_from_all_sides(lopsided: Model) -> None:
    studio = Studio(lopsided.mesh, lopsided.texture)
    cameras = [Camera(yaw, 0.25) for yaw in np.linspace(0, 6, 13)]
    views = [camera.project(studio.points) for camera in cameras]
    frame = Frame.around(views)
    placed = np.concatenate([frame.place(view) for view in views])[:, :2]
    assert abs(placed).max() == pytest.approx(0.94, abs=1e-9)


def test_straight_from_the_front_the_picture_is_the_picture(lopsided: Model) -> None:
    studio = Studio(lopsided.mesh, lopsided.texture)
    camera = Camera(0, 0)
    frame = Frame.around([camera.project(studio.points)])
    shot = studio.shoot(camera, frame, 128, 2)
    body = shot[..., 3] == 255
    low, high = lopsided.mesh.vertices.min(axis=0), lopsided.mesh.vertices.max(axis=0)
    # The share of its bounding box that the outline covers; nearness makes the middle a little larger.
    covered = (shapes.ball(100, (130, 170)) + shapes.ball(50, (260, 230)) > 0.5).sum()
    share = covered / np.prod(np.ptp(lopsided.mesh.picture, axis=0))
    rows, columns = np.nonzero(body)
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx((high - low)[0] / (high - low)[1], rel=0.05)
    assert body.sum() / (np.ptp(rows) * np.ptp(columns)) == pytest.approx(share, rel=0.06)


def test_the_turntable_turns_once_and_for_ever(lopsided: Model) -> None:
    content = turntable.turntable(Studio(lopsided.mesh, lopsided.texture), go_on)
    with Image.open(io.BytesIO(content)) as image:
        assert isinstance(image, WebPImagePlugin.WebPImageFile)
        assert (image.size, image.mode) == ((384, 384), "RGBA")
        assert (image.n_frames, image.info["loop"]) == (turntable.FRAMES, 0)
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGBA")).astype(int))
            assert image.info["duration"] == turntable.MILLISECONDS
    # It does not jump from the last frame to the first more than from any to the next.
    steps = [abs(frame - after).mean() for frame, after in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) < 2 * np.median(steps)
    # The small ball is at the right first, and passes behind the large one's middle half a turn later.
    centres = [np.nonzero(frame[..., 3] == 255)[1].mean() for frame in frames]
    half = len(frames) // 2
    assert (centres[0] - 192) * (centres[half] - 192) < 0
    assert len(content) < 1_500_000
