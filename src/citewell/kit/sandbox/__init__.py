"""Child processes for work that may crash, hang or swell: confined, watched, killed at limits."""
