"""Rules of a tenant on questions: which are refused, of what, how long and how many at a time."""
