"""`make bench`: how fast, at what cost, against the floor of the same machine in the same run."""
