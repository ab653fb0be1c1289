"""A Bluesky server (AT Protocol PDS): sessions, records, blobs."""
