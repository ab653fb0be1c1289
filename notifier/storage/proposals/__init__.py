"""What is proposed and what proposes it: drafts, templates, signals, polled pages."""
