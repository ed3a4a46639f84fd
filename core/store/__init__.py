"""The platform's tables and the only SQL."""

from core.store.unit_of_work import Session, Store

__all__ = ["Session", "Store"]
