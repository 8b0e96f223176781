"""What every feature stands on: settings, errors, context, database, jobs, blobs."""
