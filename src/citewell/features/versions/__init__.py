"""The versions of a document: listing, comparing, going back to one."""
