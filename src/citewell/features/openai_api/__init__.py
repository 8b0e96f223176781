"""OpenAI's API over the same questions and answers."""
