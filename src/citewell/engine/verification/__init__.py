"""Says how far the quotes of a sentence carry it."""
