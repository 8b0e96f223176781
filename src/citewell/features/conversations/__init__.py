"""Conversations: questions that go on from each other."""
