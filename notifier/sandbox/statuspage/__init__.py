"""Stand-ins for other providers' status pages (Atlassian Statuspage, API v2)."""
