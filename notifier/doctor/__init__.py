"""`notifier doctor`: looks at configuration, stores, providers and work in hand; says what to do about each fault."""
