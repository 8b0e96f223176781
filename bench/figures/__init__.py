"""One file per figure; each gives rows of the table."""
