"""The life of documents: registering, reading, removing."""
