"""The engine on pictures of all kinds."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests import shapes
from worker.engine import ImageRejected, JobCancelled
from worker.engines.silhouette import Silhouette, depth, matte, mesh, texture, views
from worker.engines.silhouette.mesh import Mesh

FACES = 20_000
SAMPLES = Path(__file__).parents[4] / "shared" / "samples"

Run = Callable[[bytes], dict[str, Path]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Reconstructs the bytes of a picture: results by name."""

    def reconstruct(picture: bytes) -> dict[str, Path]:
        source = tmp_path / "input"
        source.write_bytes(picture)
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        files = Silhouette(faces=FACES).reconstruct(source, out, lambda *_: None, lambda: False)
        return {path.name: path for path in files}

    return reconstruct


def meshed(picture: shapes.Picture, faces: int = FACES) -> Mesh:
    alpha = matte.cut_out(picture, _go_on).alpha
    return mesh.build(depth.estimate(picture, alpha, _go_on), faces, _go_on)


def _go_on() -> None:
    pass


def solid(model: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(model.vertices, model.faces, process=False)


@pytest.mark.parametrize("faces", [1000, 5000, 20_000])
@pytest.mark.parametrize("name", ["ball", "torus", "box", "comb", "blots"])
def test_every_mesh_is_a_closed_manifold_within_its_budget(name: str, faces: int) -> None:
    model = meshed(shapes.rgba(_outlines()[name]), faces)
    body = solid(model)
    assert len(model.faces) <= faces
    assert body.is_watertight
    assert body.is_winding_consistent
    assert body.volume > 0
    assert body.area_faces.min() > 0
    # Each edge has two faces by is_watertight; each vertex must have one fan of faces too.
    assert _fans(model) == len(model.vertices)
    # The frame: centred, longest half-extent 1.
    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    assert low + high == pytest.approx([0, 0, 0], abs=1e-9)
    assert (high - low).max() == pytest.approx(2, abs=1e-9)


def _outlines() -> dict[str, shapes.Picture]:
    x = np.arange(shapes.SIDE)[None, :]
    comb = shapes.box() * np.where(np.arange(shapes.SIDE)[:, None] > 150, x % 12 < 7, 1)
    noise = np.random.default_rng(7).random((25, 25))
    blots = np.kron(noise > 0.5, np.ones((16, 16)))
    return {
        "ball": shapes.ball(),
        "torus": shapes.torus(),
        "box": shapes.box(),
        "comb": comb,
        "blots": blots,
    }


def _fans(model: Mesh) -> int:
    """Fans of faces around vertices: corners joined where two faces share an edge at that vertex."""
    corner_of: dict[tuple[int, int], list[int]] = {}
    corners = model.faces.ravel()
    parent = list(range(len(corners)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for face, (a, b, c) in enumerate(model.faces.tolist()):
        for k, (vertex, *others) in enumerate(((a, b, c), (b, c, a), (c, a, b))):
            for other in others:
                corner_of.setdefault((vertex, other), []).append(3 * face + k)
    for first, *rest in corner_of.values():
        for other in rest:
            parent[root(other)] = root(first)
    return len({root(i) for i in range(len(corners))})


def test_the_outline_is_the_matte_s() -> None:
    coverage = shapes.torus() + shapes.ball(30, (200, 200))
    model = meshed(shapes.rgba(coverage))
    covered = views.coordinates(model, "front")
    seen = (covered != views.BACKGROUND).any(axis=2)
    # The same object, scaled to the tile.
    scale = np.ptp(model.picture[:, 0]) / np.ptp(model.vertices[:, 0])
    centres = ((np.arange(views.TILE) + 0.5) / views.TILE * 2 - 1) * scale + 200
    rows, columns = np.meshgrid(np.rint(centres).astype(int), np.rint(centres).astype(int), indexing="ij")
    expected = coverage[rows, columns] > 0.5
    assert (seen & expected).sum() / (seen | expected).sum() > 0.985


def test_views_are_crms(run: Run) -> None:
    # Off-centre and lopsided: a large ball at the lower left, a small one at the upper right.
    coverage = np.maximum(shapes.ball(100, (110, 280)), shapes.ball(40, (330, 70)))
    coverage = np.maximum(coverage, _bridge((110, 280), (330, 70), 8))
    results = run(shapes.encoded(shapes.rgba(coverage)))
    strip = np.asarray(Image.open(results["xyz_images.png"]))
    assert strip.shape == (256, 1536, 3)
    assert np.asarray(Image.open(results["pixel_images.png"])).shape == (256, 1536, 3)

    # Where each tile's pixel must lie, from the axes that point right and up in it.
    right_up = {
        "left": ("z", 1, "y", 1),
        "down": ("x", 1, "z", 1),
        "back": ("x", -1, "y", 1),
        "right": ("z", -1, "y", 1),
        "top": ("x", 1, "z", -1),
        "front": ("x", 1, "y", 1),
    }
    nearest = {"left": ("x", -1), "down": ("y", -1), "back": ("z", -1), "right": ("x", 1), "top": ("y", 1)}
    axis = np.linspace(-1 + 1 / 256, 1 - 1 / 256, 256)
    for number, (name, (right, right_sign, up, up_sign)) in enumerate(right_up.items()):
        tile = strip[:, 256 * number : 256 * (number + 1)].astype(np.float64)
        covered = (tile != 127).any(axis=2)
        assert covered.sum() > 500, name
        decoded = tile / 255 * 2 - 1
        xyz = {"x": -decoded[..., 0], "z": decoded[..., 1], "y": decoded[..., 2]}
        columns, rows = np.meshgrid(axis, -axis)
        assert abs(xyz[right] * right_sign - columns)[covered].max() < 0.01, name
        assert abs(xyz[up] * up_sign - rows)[covered].max() < 0.01, name
        towards, sign = nearest.get(name, ("z", 1))
        assert np.mean(xyz[towards][covered] * sign) > (0 if towards == "z" else -1), name
        assert (tile[~covered] == 127).all(), name

    front = np.asarray(Image.open(results["pixel_images.png"]))[:, 5 * 256 :].astype(int)
    lower_left, upper_right = front[200, 60], front[25, 225]
    assert upper_right[0] > lower_left[0] + 80  # red grows to the right of the picture
    assert lower_left[1] > upper_right[1] + 80  # green grows downwards


def _bridge(a: tuple[float, float], b: tuple[float, float], radius: float) -> shapes.Picture:
    y, x = np.mgrid[0 : shapes.SIDE, 0 : shapes.SIDE]
    along = np.array(b) - np.array(a)
    t = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / (along @ along)
    t = t.clip(0, 1)
    return (np.hypot(x - a[0] - t * along[0], y - a[1] - t * along[1]) < radius).astype(np.float64)


def test_no_background_shows_on_the_rim() -> None:
    picture = shapes.on_colour(shapes.ball(), (255, 255, 255))
    picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    alpha = matte.cut_out(picture, _go_on).alpha
    model = mesh.build(depth.estimate(picture, alpha, _go_on), FACES, _go_on)
    paint = texture.paint(picture, alpha, model)
    tile = views.colours(model, paint, "front")
    covered = (views.coordinates(model, "front") != views.BACKGROUND).any(axis=2)
    # The object's blue is 40 everywhere, the backdrop's 255, the view's background 127.
    assert tile[covered][:, 2].max() <= 127
    assert np.percentile(tile[covered][:, 2], 95) <= 45


def test_plain_and_busy_backgrounds_come_near_the_alpha() -> None:
    coverage = shapes.ball(120, (190, 210)) > 0.5
    plain = _opaque(shapes.on_colour(shapes.ball(120, (190, 210)), (200, 210, 220)))
    busy = np.asarray(Image.open(io.BytesIO(_busy())).convert("RGBA"))
    for picture, least in ((plain, 0.98), (busy, 0.9)):
        found = matte.cut_out(picture, _go_on).alpha > 0.5
        assert (found & coverage).sum() / (found | coverage).sum() > least


def _opaque(picture: shapes.Picture) -> shapes.Picture:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def _busy() -> bytes:
    """A ball before a cluttered ground of greens and browns."""
    clutter = np.random.default_rng(3).integers(0, 90, (25, 25, 3)) + np.array([40, 90, 0])
    ground = np.asarray(
        Image.fromarray(clutter.astype(np.uint8)).resize((400, 400), Image.Resampling.BICUBIC)
    )
    coverage = shapes.ball(120, (190, 210))[..., None]
    return shapes.encoded((ground * (1 - coverage) + np.array([220, 60, 200]) * coverage).astype(np.uint8))


def test_enclosed_backdrop_is_a_hole() -> None:
    picture = _opaque(shapes.on_colour(shapes.torus(), (255, 255, 255)))
    assert solid(meshed(picture)).euler_number == 0


def _flat(value: int, size: tuple[int, int] = (200, 200)) -> bytes:
    return shapes.encoded(np.full((*size, 3), value, np.uint8))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_one_flat_colour_is_rejected_with_advice(run: Run, value: int) -> None:
    with pytest.raises(ImageRejected, match="Use a picture of one object"):
        run(_flat(value))


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(_flat(255, (1, 1)), id="1x1"),
        pytest.param(shapes.encoded(shapes.rgba(np.zeros((100, 100)))), id="alpha all 0"),
        pytest.param(shapes.encoded(shapes.rgba(np.ones((100, 100)))), id="alpha all 255"),
        pytest.param(
            shapes.encoded(np.random.default_rng(1).integers(0, 255, (300, 300, 3)).astype(np.uint8)),
            id="noise",
        ),
        pytest.param(
            shapes.encoded(shapes.on_colour(shapes.box(400, 400), (0, 0, 0))), id="fills the picture"
        ),
        pytest.param(
            shapes.encoded(shapes.rgba(np.pad(np.ones((10, 900)), ((5, 5), (50, 50))))), id="1:50 with alpha"
        ),
        pytest.param(
            shapes.encoded(np.random.default_rng(1).integers(0, 255, (12, 600, 3)).astype(np.uint8)),
            id="1:50",
        ),
    ],
)
def test_odd_pictures_end_in_a_result_or_a_rejection(run: Run, picture: bytes) -> None:
    try:
        results = run(picture)
    except ImageRejected as error:
        assert "Use" in str(error)
    else:
        assert {"pixel_images.png", "xyz_images.png", "output3d.zip", "report.json"} <= set(results)


def test_cancelling_stops_between_steps(tmp_path: Path) -> None:
    source = tmp_path / "input"
    source.write_bytes(_busy())
    stages: list[str] = []
    files = Silhouette(faces=FACES).reconstruct(
        source, tmp_path, lambda stage, _: stages.append(stage), lambda: stages[-1:] == ["matte"]
    )
    with pytest.raises(JobCancelled):
        list(files)
    assert stages == ["read", "matte"]
    assert list(tmp_path.iterdir()) == [source]


SAMPLES_EULER_NUMBERS = {
    # The teapot's and the chair's openings must be there; the others may come in some pieces.
    "teapot.png": 0,
    "chair.png": 0,
    "bird.jpg": 2,
    "apple.jpg": 4,
    "cake.jpg": 4,
    "hamburger.png": 4,
    "poly_fox.png": 4,
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample pictures are not on this machine")
@pytest.mark.parametrize(("name", "at_most"), SAMPLES_EULER_NUMBERS.items())
def test_samples(run: Run, name: str, at_most: int) -> None:
    results = run((SAMPLES / name).read_bytes())
    body = trimesh.load_mesh(results["model.glb"])
    body.merge_vertices(merge_tex=True, merge_norm=True)
    assert body.is_watertight
    assert body.euler_number <= at_most
    report = json.loads(results["report.json"].read_bytes())
    assert report["manifold"]
    assert report["silhouetteIoU"] >= 0.98
