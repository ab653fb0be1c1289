"""Web pages that show received messages. No scripts, no external assets."""
