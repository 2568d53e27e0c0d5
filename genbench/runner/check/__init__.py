"""The conformance suite of what can be registered: models, data sets and measures, one at a time."""
