"""Who did what: the trail of an organisation."""
