"""Suites: the TOML schema, its loading, and the plan it makes. No torch."""
