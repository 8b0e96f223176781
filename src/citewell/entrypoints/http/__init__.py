"""The HTTP application: routes, authentication, limits, problem details."""
