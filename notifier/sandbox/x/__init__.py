"""X's API v2 in user context: posts, threads, timeline, with X's length, duplicate and reply rules."""
