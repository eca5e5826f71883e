# mypy: ignore-errors
from pathlib import Path

import cv2
import numpy as np
import nvdiffrast.torch as dr
import torch
import xatlas  # noqa: F401
from journal import note

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
FACES = [
    [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
    [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
]  # fmt: skip


class UNetPP(torch.nn.Module):
    def forward(self, x, t=256):
        assert x.shape == (1, 12, 256, 768)
        assert x.device == "cuda"
        return torch.Tensor(np.repeat(x.array.mean(axis=1, keepdims=True), 32, axis=1), "cuda")


class CRM(torch.nn.Module):
    def __init__(self, specs):
        super().__init__()
        assert specs["DecoderSpecs"]["c_dim"] == 32
        self.unet2 = UNetPP()
        self.glctx = dr.RasterizeCudaContext()
        self.denoising = True
        from diffusers import DDIMScheduler

        self.scheduler = DDIMScheduler.from_pretrained(
            "stabilityai/stable-diffusion-2-1-base", subfolder="scheduler"
        )

    def decode(self, data, triplane_feature2):
        """A box, its proportions by the first numbers of the triplane, wound inwards as FlexiCubes does."""
        note("decode", features=triplane_feature2.shape)
        sides = 0.3 + 0.4 * abs(np.tanh(triplane_feature2.array[0, 0, 0, :3]))
        faces = np.array(FACES)[:, [2, 1, 0]]
        return torch.Tensor((CUBE * sides)[None], "cuda"), torch.Tensor(faces, "cuda")

    def export_mesh_wt_uv(self, ctx, data, out_dir, ind, device, res, tri_fea_2=None):
        """OBJ in the frame of the maps (Y up), MTL and PNG at the path `out_dir` with each suffix."""
        assert isinstance(ctx, dr.RasterizeCudaContext)
        assert data["verts"].device == device == "cuda"
        note("export", res=res)
        stem = out_dir.split("/")[-1]
        vertices = data["verts"].cpu().numpy()
        faces = data["faces"].cpu().numpy()[:, [2, 1, 0]]
        uvs = np.linspace(0, 1, 3 * len(faces) * 2).reshape(-1, 2)
        with Path(f"{out_dir}.mtl").open("w") as file:
            file.write(f"newmtl material_0\nKd 1 1 1\nmap_Kd {stem}.png\n")
        with Path(f"{out_dir}.obj").open("w") as file:
            file.write(f"mtllib {stem}.mtl\n")
            for x, y, z in vertices:
                file.write(f"v {x:f} {z:f} {-y:f}\n")
            for u, v in uvs:
                file.write(f"vt {u:f} {1 - v:f}\n")
            file.write("usemtl material_0\n")
            for number, (a, b, c) in enumerate(faces):
                t = 3 * number + 1
                file.write(f"f {a + 1}/{t} {b + 1}/{t + 1} {c + 1}/{t + 2}\n")
        cv2.imwrite(f"{out_dir}.png", np.full((*res, 3), 200, np.uint8))
