"""Answers to what operations ask."""
