"""Accounts: 8 bytes that name the type, then a fixed layout."""

from typing import Any, ClassVar, Self

from core.domain.errors import InvalidInput
from programs.client.conventions import discriminator
from programs.client.layout import Record


class AccountRecord(Record):
    """An account of one of our programs."""

    tag: ClassVar[bytes]
    size: ClassVar[int]
    """Bytes of the whole account."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.tag = discriminator("account", cls.idl_name)
        cls.size = 8 + cls.packing.size

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read an account's data.

        Raises:
            InvalidInput: another type or another length.
        """
        if len(data) != cls.size or data[:8] != cls.tag:
            raise InvalidInput(f"these bytes are no {cls.idl_name} account")
        return cls.unpack(data, 8)

    def encode(self) -> bytes:
        """The account's data."""
        return self.tag + self.pack()
