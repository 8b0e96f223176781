"""The base of all features: settings, errors, context, database, jobs, blobs."""
