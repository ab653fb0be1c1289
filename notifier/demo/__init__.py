"""The demo: an installation that replays 21 June 2022 in a minute and counts at the providers."""
