"""Where the repository is, so that a test may be moved without counting the folders above it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
