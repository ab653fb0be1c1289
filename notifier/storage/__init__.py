"""The database of record: tables, transactions, queries. Returns domain values, takes them."""
