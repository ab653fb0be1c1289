"""Public pages for readers, and the console. They work without JavaScript."""
