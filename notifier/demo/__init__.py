"""The replay of 21 June 2022: a whole installation for a minute, and what came out of it, counted at the providers."""
