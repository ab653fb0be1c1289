"""Alembic migrations. Numbered; each compatible with the code that runs beside it during a deploy."""
