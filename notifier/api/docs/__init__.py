"""The API reference page, rendered from the OpenAPI document: no scripts, no external resources."""
