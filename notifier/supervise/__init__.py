"""`notifier up`: the whole system on one machine, as child processes that live and die together."""
