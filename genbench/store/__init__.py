"""Run directories, the append-only journal of records, and reading them back. No torch."""
