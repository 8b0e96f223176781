"""The audit trail of an organisation."""
