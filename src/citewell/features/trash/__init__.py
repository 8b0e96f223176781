"""Deleted documents: they can be restored for a while, then nothing of them is left."""
