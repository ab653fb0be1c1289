"""Celery workers: thin tasks that unpack ids and call one use case each."""
