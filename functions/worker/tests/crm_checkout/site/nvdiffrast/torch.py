# mypy: ignore-errors
class RasterizeCudaContext:
    pass
