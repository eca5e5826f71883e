# mypy: ignore-errors
from model.crm.model import CRM  # noqa: F401
