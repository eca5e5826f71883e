# mypy: ignore-errors
import os
import tempfile
import zipfile

import numpy as np
import nvdiffrast.torch as dr
import torch
from mesh import Mesh
from util.utils import get_tri


def generate3d(model, rgb, ccm, device):
    for strip in (rgb, ccm):
        assert strip.shape == (256, 1536, 3)
        assert strip.dtype == np.uint8
    color = torch.from_numpy(rgb).permute(2, 0, 1) / 255
    xyz = torch.from_numpy(ccm[:, :, (2, 1, 0)]).permute(2, 0, 1) / 255

    def get_imgs(strip):
        return torch.stack([strip[:, :, 256 * i : 256 * (i + 1)] for i in (5, 0, 1, 2, 3, 4)])

    color = get_tri(get_imgs(color), dim=0, blender=True, scale=1).unsqueeze(0)
    xyz = get_tri(get_imgs(xyz), dim=0, blender=True, scale=1, fix=True).unsqueeze(0)
    triplane = torch.cat([color, xyz], dim=1).to(device)
    model.eval()
    glctx = dr.RasterizeCudaContext()
    tnew = torch.randint(20, 21, [triplane.shape[0]], dtype=torch.long, device=triplane.device)
    noise_new = torch.randn_like(triplane) * 0.5 + 0.5
    triplane_feature2 = model.unet2(model.scheduler.add_noise(triplane, noise_new, tnew), tnew)
    data_config = {"resolution": [1024, 1024]}
    verts, faces = model.decode(data_config, triplane_feature2)

    from kiui.mesh_utils import clean_mesh

    verts, faces = clean_mesh(
        verts.squeeze().cpu().numpy().astype(np.float32), faces.squeeze().cpu().numpy().astype(np.int32),
        repair=False, remesh=False, remesh_size=0.005,
    )  # fmt: skip
    data_config["verts"] = torch.from_numpy(verts).cuda().contiguous()
    data_config["faces"] = torch.from_numpy(faces).cuda().contiguous()
    path = tempfile.NamedTemporaryFile(suffix="", delete=False).name  # noqa: SIM115
    if os.environ.get("FAKE_OOM") == "mesh":
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    model.export_mesh_wt_uv(
        glctx, data_config, path, "", device, res=(1024, 1024), tri_fea_2=triplane_feature2
    )
    mesh = Mesh.load(path + ".obj", bound=0.9, front_dir="+z")
    glb = tempfile.NamedTemporaryFile(suffix="", delete=False).name  # noqa: SIM115
    mesh.write(glb + ".glb")
    with zipfile.ZipFile(path + ".zip", "w") as archive:
        for suffix in (".obj", ".png", ".mtl"):
            archive.write(path + suffix, path.split("/")[-1] + suffix)
    print("uv takes 1 s")  # noqa: T201
    return glb + ".glb", path + ".zip"
