"""How long a worker holds a batch that it attempts."""

from datetime import timedelta

# Longer than all time-outs of a channel together, so that a lease only expires with its worker.
LEASE = timedelta(seconds=90)
