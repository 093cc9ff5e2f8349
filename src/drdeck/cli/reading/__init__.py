"""Commands that answer one question: networks of a domain, words, and which domains match."""
