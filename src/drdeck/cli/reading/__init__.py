"""Commands that answer one question: networks, words, matching domains, what an act would do."""
