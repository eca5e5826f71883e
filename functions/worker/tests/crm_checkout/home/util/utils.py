# mypy: ignore-errors
import torch


def get_tri(triview_color, dim=1, blender=True, c=0, scale=0.95, shift=0, fix=False, rgb=False, aug_shift=0):
    """(6, 3, 256, 256) → (6, 256, 768): three views side by side, twice; here without the turns."""
    assert triview_color.shape[1:] == (3, 256, 256)
    halves = [torch.cat([triview_color[i] for i in half], dim=2) for half in ((0, 1, 2), (3, 4, 5))]
    return torch.cat(halves, dim=dim)
