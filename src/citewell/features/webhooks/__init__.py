"""Webhooks: signed messages about documents, jobs and answers."""
