"""One page of a run that needs nothing but itself: tables, figures, samples, and how to do it again."""
