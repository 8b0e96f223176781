"""The parts of a library."""
