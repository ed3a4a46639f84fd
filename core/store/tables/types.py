"""Column types that mean the same on SQLite and PostgreSQL."""

from decimal import Decimal

from sqlalchemy import BigInteger, Dialect, Integer, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

METER_ID = String(16, collation="C").with_variant(String(16), "sqlite")
"""Meter ids compare bytewise on both databases, as they do on chain."""

ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts rows only in an INTEGER primary key."""


class ExactKwh(TypeDecorator[Decimal]):
    """Kilowatt-hours with three decimals: NUMERIC on PostgreSQL, text on SQLite, whose numerics are floats."""

    impl = Numeric(20, 3)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        """Choose the storage of the database at hand."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(24))
        return dialect.type_descriptor(Numeric(20, 3))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Store the exact decimal."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Read the exact decimal."""
        del dialect
        return None if value is None else Decimal(value)
