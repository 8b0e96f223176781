"""The log of errors that administrators read."""
