"""Queues by name: who sends does not know who works. Messages carry ids and are nudges; the rows are the truth."""
