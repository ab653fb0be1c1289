"""`notifier doctor`: checks configuration, stores, providers and pending work, with remedies."""
