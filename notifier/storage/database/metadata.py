"""What all tables share: one collection, one naming scheme, one type of row id."""

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes only `INTEGER PRIMARY KEY` a rowid; PostgreSQL needs 64 bits.
RowId = BigInteger().with_variant(Integer(), "sqlite")
