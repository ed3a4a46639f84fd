"""What both databases do in INSERT … ON CONFLICT, each in a dialect of its own."""

from sqlalchemy import ColumnElement, SQLColumnExpression, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel


def insert_into(table: type[SQLModel], engine_name: str) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, as `engine_name` (`sqlite` or `postgresql`) spells it."""
    return postgresql.insert(table) if engine_name == "postgresql" else sqlite.insert(table)


def greater(one: SQLColumnExpression[int], other: SQLColumnExpression[int]) -> ColumnElement[int]:
    """The greater of two numbers: SQLite's MAX and PostgreSQL's GREATEST have no common name."""
    return case((one > other, one), else_=other)
