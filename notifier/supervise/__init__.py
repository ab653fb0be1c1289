"""`notifier up`: the whole system on one machine, as supervised child processes."""
