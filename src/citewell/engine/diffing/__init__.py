"""What differs between two texts, in bounded time."""
