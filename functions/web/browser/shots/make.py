"""Makes the files that the reference screenshots show: what the engine makes of the sample pictures, small.

    cd functions/web/browser/shots
    PYTHONPATH=../../../worker ../../../worker/.venv/bin/python make.py
"""

import io
import json
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from worker import engines
from worker.engines.settings import EngineSettings

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "src/assets/samples"
NAMES = ("duck", "rocket", "teapot", "toadstool")
FACES = 1500
TEXTURE = 256
TILE = 128
THUMBNAIL = 256
QUALITY = 80


def shrunk(path: Path, size: tuple[int, int]) -> bytes:
    """As WebP."""
    buffer = io.BytesIO()
    Image.open(path).resize(size, Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=QUALITY, method=6)
    return buffer.getvalue()


def with_small_texture(glb: bytes) -> bytes:
    """The GLB with its one image, which the engine writes last, as a JPEG of TEXTURE pixels a side."""
    (length,) = struct.unpack_from("<I", glb, 12)
    gltf = json.loads(glb[20 : 20 + length])
    binary = glb[28 + length :]
    view = gltf["bufferViews"][gltf["images"][0]["bufferView"]]
    begin = view.get("byteOffset", 0)
    assert begin == max(other.get("byteOffset", 0) for other in gltf["bufferViews"])
    buffer = io.BytesIO()
    texture = Image.open(io.BytesIO(binary[begin : begin + view["byteLength"]])).convert("RGB")
    texture.resize((TEXTURE, TEXTURE), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=QUALITY)
    gltf["images"][0]["mimeType"] = "image/jpeg"
    view["byteLength"] = len(buffer.getvalue())
    binary = padded(binary[:begin] + buffer.getvalue(), b"\0")
    gltf["buffers"][0]["byteLength"] = len(binary)
    head = padded(json.dumps(gltf, separators=(",", ":")).encode(), b" ")
    chunks = struct.pack("<I4s", len(head), b"JSON") + head + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def padded(data: bytes, fill: bytes) -> bytes:
    return data + fill * (-len(data) % 4)


def main() -> None:
    engine = engines.load(EngineSettings(faces=FACES))
    for name in NAMES:
        with TemporaryDirectory() as folder:
            out = Path(folder)
            list(engine.reconstruct(SAMPLES / f"{name}.webp", out, lambda *_: None, lambda: False))
            (HERE / f"{name}.webp").write_bytes(shrunk(out / "thumbnail.png", (THUMBNAIL, THUMBNAIL)))
            if name != "toadstool":
                continue
            (HERE / "model.glb").write_bytes(with_small_texture((out / "model.glb").read_bytes()))
            (HERE / "views.webp").write_bytes(shrunk(out / "pixel_images.png", (6 * TILE, TILE)))
            (HERE / "maps.webp").write_bytes(shrunk(out / "xyz_images.png", (6 * TILE, TILE)))
            report = json.loads((out / "report.json").read_text())
            report["seconds"] = {"total": 2.3}  # the one figure that differs from run to run
            (HERE / "report.json").write_text(json.dumps(report, indent=2) + "\n")


main()
