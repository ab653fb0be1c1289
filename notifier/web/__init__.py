"""Pages for readers: the public page of an incident, and unsubscribing by one click. They work without JavaScript."""
