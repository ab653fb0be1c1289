"""The ledger: tables, transactions and the statements that read and write them. Rows in, domain values out."""
