"""What the engine hands over: every file opened by a reader that shares no code with us."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import trimesh
from PIL import Image
from pxr import Usd, UsdGeom, UsdValidation  # type: ignore[import-untyped]

from tests import shapes
from worker.engine import FORMATS, JobCancelled
from worker.engines.silhouette import STAGES, Silhouette
from worker.engines.silhouette.formats import ON_REQUEST

MADE_BY = "recon3d silhouette"
REQUIRED = ["pixel_images.png", "xyz_images.png", "output3d.zip"]
NAMES = [
    *REQUIRED,
    "model.glb",
    *(f"model.{extension}" for extension in FORMATS),
    "thumbnail.png",
    "turntable.webp",
    "report.json",
]
JUDGE = Path(__file__).parent / "gltf"

Results = Mapping[str, Path]


def reconstructed(picture: bytes, folder: Path, faces: int = 5000) -> dict[str, Path]:
    source = folder / "input"
    source.write_bytes(picture)
    engine = Silhouette(faces=faces)
    files = engine.reconstruct(source, folder, lambda *_: None, lambda: False, FORMATS)
    return {path.name: path for path in files}


@pytest.fixture(scope="module")
def torus(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results of a ring, red to its right and green downwards."""
    return reconstructed(
        shapes.encoded(shapes.rgba(shapes.torus())), tmp_path_factory.mktemp("torus"), 20_000
    )


@pytest.fixture(scope="module")
def report(torus: Results) -> dict[str, Any]:
    return json.loads(torus["report.json"].read_bytes())


def merged(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """With one vertex a place, whatever texture coordinates and normals it has."""
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    return mesh


def test_results_come_in_order_the_report_last(torus: Results) -> None:
    assert list(torus) == NAMES
    assert set(ON_REQUEST) == set(FORMATS)


def test_only_the_formats_asked_for_are_made(tmp_path: Path) -> None:
    source = tmp_path / "input"
    source.write_bytes(shapes.encoded(shapes.rgba(shapes.ball())))
    made = Silhouette(faces=1000).reconstruct(
        source, tmp_path, lambda *_: None, lambda: False, ("ply", "step")
    )
    names = [path.name for path in made]
    assert names == [name for name in NAMES if name not in ("model.stl", "model.3mf", "model.usdz")]


def test_the_same_picture_gives_the_same_bytes_but_for_the_seconds(tmp_path: Path) -> None:
    picture = shapes.encoded(shapes.on_colour(shapes.ball(120, (190, 210)), (200, 210, 220)))
    contents = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        contents.append({name: path.read_bytes() for name, path in reconstructed(picture, folder).items()})
    reports = [json.loads(content.pop("report.json")) for content in contents]
    assert contents[0] == contents[1]
    assert [list(report.pop("seconds")) for report in reports] == [[*STAGES, "total"]] * 2
    assert reports[0] == reports[1]


def test_every_result_names_the_engine(torus: Results, report: dict[str, Any]) -> None:
    assert report["engine"] == "silhouette"
    for name in ("pixel_images.png", "xyz_images.png", "thumbnail.png"):
        with Image.open(torus[name]) as image:
            assert image.info["Software"] == MADE_BY, name
    with zipfile.ZipFile(torus["output3d.zip"]) as archive:
        assert archive.read("model.obj").decode().splitlines()[0] == f"# {MADE_BY}"
        assert archive.read("model.mtl").decode().splitlines()[0] == f"# {MADE_BY}"
        with archive.open("model.png") as file, Image.open(file) as image:
            assert image.info["Software"] == MADE_BY
    assert _gltf(torus["model.glb"])["asset"]["generator"] == MADE_BY
    assert torus["model.stl"].read_bytes()[:80].rstrip(b"\0") == MADE_BY.encode()
    assert f"comment {MADE_BY}\n".encode() in torus["model.ply"].read_bytes()
    with zipfile.ZipFile(torus["model.3mf"]) as archive:
        root = ElementTree.fromstring(archive.read("3D/3dmodel.model"))
    assert {element.get("name"): element.text for element in root if element.tag.endswith("metadata")} == {
        "Application": MADE_BY
    }
    stage = Usd.Stage.Open(str(torus["model.usdz"]))
    layer = stage.GetRootLayer()
    assert (layer.customLayerData["creator"], layer.documentation) == (MADE_BY, MADE_BY)
    with Image.open(torus["turntable.webp"]) as image:
        assert f'CreatorTool="{MADE_BY}"'.encode() in image.info["xmp"]


@pytest.mark.parametrize("name", ["output3d.zip", "model.glb", "model.stl", "model.ply", "model.3mf"])
def test_a_model_file_loads_closed_in_the_common_frame(torus: Results, name: str) -> None:
    mesh = merged(trimesh.load_mesh(torus[name]))
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 0
    assert mesh.volume == pytest.approx(trimesh.load_mesh(torus["model.stl"]).volume, rel=1e-5)
    assert mesh.bounds[0] == pytest.approx(-mesh.bounds[1], abs=1e-5)
    assert mesh.bounds[1].max() == pytest.approx(1, abs=1e-5)
    # The hole lies along Z.
    assert np.hypot(mesh.vertices[:, 0], mesh.vertices[:, 1]).min() > 0.4 * mesh.bounds[1, 0]


def test_the_zip_is_as_crm_writes_it(torus: Results) -> None:
    with zipfile.ZipFile(torus["output3d.zip"]) as archive:
        assert sorted(archive.namelist()) == ["model.mtl", "model.obj", "model.png"]
        obj = archive.read("model.obj").decode().splitlines()
        assert "map_Kd model.png" in archive.read("model.mtl").decode().splitlines()
        with archive.open("model.png") as file, Image.open(file) as image:
            assert (image.size, image.mode) == ((1024, 1024), "RGB")
    assert [line for line in obj if line.startswith(("usemtl", "mtllib"))] == [
        "mtllib model.mtl",
        "usemtl model",
    ]
    assert {line.split()[0] for line in obj} == {"#", "mtllib", "o", "g", "v", "vt", "usemtl", "f"}
    assert all(corner.count("/") == 1 for line in obj if line.startswith("f ") for corner in line.split()[1:])


def test_what_is_invented_is_told_apart(torus: Results, report: dict[str, Any]) -> None:
    invented = report["invented"]
    groups: dict[str, list[str]] = {}
    with zipfile.ZipFile(torus["output3d.zip"]) as archive:
        lines = archive.read("model.obj").decode().splitlines()
    uv = np.array([line.split()[1:] for line in lines if line.startswith("vt ")], float)
    for line in lines:
        if line.startswith("g "):
            faces = groups.setdefault(line.removeprefix("g "), [])
        elif line.startswith("f "):
            faces.append(line)
    assert list(groups) == ["seen", "invented"]
    assert len(groups["seen"]) == invented["firstFace"]
    # In the atlas the invented faces fill the box that the report names, and no others reach into it.
    (left, right), (bottom, top) = invented["chart"]["u"], invented["chart"]["v"]
    for group, inside in (("seen", False), ("invented", True)):
        corners = [corner.split("/")[1] for face in groups[group] for corner in face.split()[1:]]
        u, v = uv[np.array(corners, int) - 1].T
        within = (u > left - 1e-3) & (u < right + 1e-3) & (v > bottom - 1e-3) & (v < top + 1e-3)
        assert (within == inside).all()

    document = _gltf(torus["model.glb"])
    (mesh,) = document["meshes"]
    materials = [document["materials"][primitive["material"]] for primitive in mesh["primitives"]]
    assert [material["name"] for material in materials] == ["seen", "invented"]
    assert [material.get("extras") for material in materials] == [None, {"invented": True}]
    textures = {material["pbrMetallicRoughness"]["baseColorTexture"]["index"] for material in materials}
    assert len(textures) == 1
    scene = trimesh.load_scene(torus["model.glb"])
    fronts = {str(part.visual.material.name): part for part in scene.geometry.values()}
    assert fronts["seen"].face_normals[:, 2].min() > 0
    assert fronts["invented"].face_normals[:, 2].max() < 1e-6  # the walls are upright


def _gltf(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    return json.loads(content[20 : 20 + length])


@pytest.fixture(scope="session")
def validator() -> Path:
    """The script that runs the Khronos validator, installed."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node is not installed: no GLB file is judged by the Khronos validator")
    # npm writes this file last, so that an install that was interrupted is done again.
    if not (JUDGE / "node_modules" / ".package-lock.json").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=JUDGE, check=True, capture_output=True)
    return JUDGE / "validate.js"


def test_the_khronos_validator_finds_nothing(torus: Results, validator: Path, tmp_path: Path) -> None:
    pieces = np.kron(np.random.default_rng(7).random((25, 25)) > 0.5, np.ones((16, 16)))
    hairline = np.pad(np.ones((4, 300)), 50)
    models = [torus["model.glb"]]
    for number, outline in enumerate((pieces, hairline, shapes.box())):
        folder = tmp_path / str(number)
        folder.mkdir()
        models.append(reconstructed(shapes.encoded(shapes.rgba(outline)), folder)["model.glb"])
    run = subprocess.run(["node", validator, *models], check=True, capture_output=True, text=True)
    reports = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(reports) == len(models)
    for report in reports:
        assert report["issues"]["messages"] == []
        assert report["info"]["drawCallCount"] == 2


def test_usdz(torus: Results) -> None:
    with zipfile.ZipFile(torus["model.usdz"]) as archive, torus["model.usdz"].open("rb") as file:
        members = archive.infolist()
        assert [member.filename for member in members] == ["model.usda", "model.png"]
        for member in members:
            assert member.compress_type == zipfile.ZIP_STORED
            file.seek(member.header_offset + 26)
            name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
            assert (member.header_offset + 30 + name + extra) % 64 == 0

    stage = Usd.Stage.Open(str(torus["model.usdz"]))
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    errors = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [error.GetErrorAsString() for error in errors] == []

    surface = UsdGeom.Mesh(stage.GetPrimAtPath("/model/surface"))
    faces = np.array(surface.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
    mesh = trimesh.Trimesh(np.array(surface.GetPointsAttr().Get()), faces, process=False)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(trimesh.load_mesh(torus["model.stl"]).volume, rel=1e-5)
    coordinates = UsdGeom.PrimvarsAPI(surface).GetPrimvar("st")
    assert len(coordinates.ComputeFlattened()) == faces.size
    assert UsdGeom.GetStageUpAxis(stage) == "Y"


def test_3mf_is_a_package_whose_parts_are_there(torus: Results) -> None:
    with zipfile.ZipFile(torus["model.3mf"]) as archive:
        names = set(archive.namelist())
        types = ElementTree.fromstring(archive.read("[Content_Types].xml"))
        known = {element.get("Extension") for element in types}
        assert {name.rsplit(".", 1)[-1] for name in names - {"[Content_Types].xml"}} == known
        targets = [
            str(element.get("Target")).removeprefix("/")
            for part in ("_rels/.rels", "3D/_rels/3dmodel.model.rels")
            for element in ElementTree.fromstring(archive.read(part))
        ]
        assert targets == ["3D/3dmodel.model", "3D/Textures/model.png"]
        assert set(targets) <= names
        model = ElementTree.fromstring(archive.read("3D/3dmodel.model"))
    space = {"": "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"}
    material = "{http://schemas.microsoft.com/3dmanufacturing/material/2015/02}"
    assert model.get("unit") == "centimeter"
    texture = model.find(f"resources/{material}texture2d", space)
    group = model.find(f"resources/{material}texture2dgroup", space)
    assert texture is not None
    assert group is not None
    assert str(texture.get("path")).removeprefix("/") in names
    assert group.get("texid") == texture.get("id")
    vertices = model.findall("resources/object/mesh/vertices/vertex", space)
    triangles = model.findall("resources/object/mesh/triangles/triangle", space)
    for corner, count in (("v", len(vertices)), ("p", len(group))):
        numbers = {int(str(triangle.get(f"{corner}{k}"))) for triangle in triangles for k in (1, 2, 3)}
        assert numbers == set(range(count))
    assert {triangle.get("pid") for triangle in triangles} == {group.get("id")}


def test_ply_has_the_pictures_colours(torus: Results) -> None:
    mesh = trimesh.load_mesh(torus["model.ply"])
    assert isinstance(mesh.visual, trimesh.visual.ColorVisuals)
    red, green, _, _ = mesh.visual.vertex_colors.T
    # The object's radius is 160 pixels of 400; red is 255 at the picture's right, green at its bottom.
    x, y = mesh.vertices[:, :2].T / mesh.bounds[1, 0] * 160
    for channel, coordinate in ((red, 200 + x), (green, 200 - y)):
        assert abs(channel - coordinate / 400 * 255).max() < 8


def test_the_report_is_what_others_measure(torus: Results, report: dict[str, Any]) -> None:
    mesh = merged(trimesh.load_mesh(torus["model.ply"]))
    assert (report["vertices"], report["faces"]) == (len(mesh.vertices), len(mesh.faces))
    assert report["watertight"] is report["manifold"] is True
    assert report["eulerNumber"] == mesh.euler_number
    assert report["components"] == mesh.body_count
    box = report["boundingBox"]
    assert np.array([box["min"], box["max"]]) == pytest.approx(mesh.bounds, abs=1e-4)
    assert report["maskCoverage"] == pytest.approx((shapes.torus() > 0.5).mean(), abs=1e-3)
    assert report["silhouetteIoU"] > 0.98
    turned_away = mesh.face_normals[:, 2] < 1e-6
    assert report["inventedShare"] == pytest.approx(mesh.area_faces[turned_away].sum() / mesh.area, abs=1e-4)
    assert report["seconds"]["total"] >= report["seconds"]["mesh"] > 0


def test_cancelling_stops_amid_the_turntable(tmp_path: Path) -> None:
    source = tmp_path / "input"
    source.write_bytes(shapes.encoded(shapes.rgba(shapes.ball())))
    asked = dict.fromkeys(STAGES, 0)
    stages: list[str] = []

    def cancelled() -> bool:
        if not stages:
            return False
        asked[stages[-1]] += 1
        return asked["turntable"] > 3

    files = Silhouette(faces=1000).reconstruct(
        source, tmp_path, lambda stage, _: stages.append(stage), cancelled
    )
    done: list[str] = []
    with pytest.raises(JobCancelled):
        done.extend(path.name for path in files)
    assert stages[-1] == "turntable"
    assert not (tmp_path / "turntable.webp").exists()
