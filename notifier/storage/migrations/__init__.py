"""Numbered Alembic migrations, each compatible with the code that runs during a deploy."""
