"""Hash email addresses to keys with the installation's pepper."""

from functools import cached_property

from notifier.domain.ids import address_key
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation


class AddressHasher:
    """Hashes addresses. Load the pepper before a transaction: reading it may create it."""

    def __init__(self, database: Database) -> None:
        """Store the database; read nothing yet."""
        self._database = database

    @cached_property
    def pepper(self) -> bytes:
        """The installation's secret for hashing addresses.

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
        """Read and return the pepper, so that `of` opens no transaction inside another."""
        return self.pepper

    def of(self, email: str) -> int:
        """Return the 63-bit key of an address."""
        return address_key(self.pepper, email)

    def of_name(self, external_id: str) -> int:
        """Return the key of an external id, which never equals an address's."""
        return address_key(self.pepper, f"external_id {external_id}")

    def of_optional(self, email: str | None) -> int | None:
        """Return the key of an address, None for None."""
        return None if email is None else self.of(email)
