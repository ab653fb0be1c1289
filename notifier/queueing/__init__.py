"""Task queues by name. Messages carry ids and are hints; the database is the source of truth."""
