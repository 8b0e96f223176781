"""Jobs as people see them: state, progress, cancellation and retry."""
