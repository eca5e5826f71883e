# mypy: ignore-errors
class EMAModel:
    pass
