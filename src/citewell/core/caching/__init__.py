"""Caches of a process, in memory and in a Redis that several share."""
