"""Agents: their definitions, durable runs and tools."""
