"""What stands between a machine's report and an announcement: signals, drafts, templates, and the rules of sources."""
