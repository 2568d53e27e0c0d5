"""From a plan to records: the runner and its progress."""
