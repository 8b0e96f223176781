"""Original files: content-addressed per tenant, encrypted, in a folder or an object store."""
