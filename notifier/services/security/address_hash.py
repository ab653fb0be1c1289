"""Keys that stand for mail addresses, under this installation's pepper."""

from functools import cached_property

from notifier.domain.ids import address_key
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation


class AddressHasher:
    """Hashes addresses. The pepper is read once; ask before a transaction is opened, since it may have to be made."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    @cached_property
    def pepper(self) -> bytes:
        """The installation's secret under which addresses are hashed.

        Raises:
            UnavailableError: the database does not answer.
        """
        with self._database.read() as connection:
            found = installation.get(connection, installation.PEPPER)
        if found is not None:
            return found
        with self._database.write() as connection:
            return installation.address_pepper(connection)

    def load(self) -> bytes:
        """Read the pepper now, so that `of` needs no transaction of its own inside another; returns it."""
        return self.pepper

    def of(self, email: str) -> int:
        """Return the 63-bit key of an address."""
        return address_key(self.pepper, email)

    def of_name(self, external_id: str) -> int:
        """Return the key that stands for an external id, which is never that of an address."""
        return address_key(self.pepper, f"external_id {external_id}")

    def of_optional(self, email: str | None) -> int | None:
        """Return the key of an address, None for none."""
        return None if email is None else self.of(email)
