"""The team's console: one place to tell everybody, and to see who was told. Speaks English, as the API does."""
