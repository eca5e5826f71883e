# mypy: ignore-errors
import torch


def get_camera_for_index(data_index):
    """(1, 16); here the first number is the view's."""
    return torch.tensor([[data_index] + [0] * 15], "float32")
