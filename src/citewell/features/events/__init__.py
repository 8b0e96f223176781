"""What changes, told as it happens: over a WebSocket or as server-sent events."""
