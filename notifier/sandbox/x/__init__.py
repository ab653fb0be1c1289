"""X's API v2 in user context: posts, threads, timeline; length, duplicate and reply rules."""
