"""Figures of what is asked, cited, rated and spent, from counts by day and month."""
