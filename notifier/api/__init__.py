"""The HTTP API under /v1: parse, call one service, map errors."""
