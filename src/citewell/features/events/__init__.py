"""Live updates of documents and jobs, over a WebSocket or as server-sent events."""
