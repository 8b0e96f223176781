"""Data that an organisation keeps about one of its people, for them to take along."""
