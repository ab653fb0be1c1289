"""The root of the repository, so that tests can move without counting folders."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
