"""Entry points: the command line and the HTTP application, which put the parts together."""
