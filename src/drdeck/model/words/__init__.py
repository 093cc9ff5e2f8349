"""Words for people: names that are nearest to a slip, and the glossary of screens and docs.

Only here is written what a term of the product means; docs/words.md is checked against it.
Begin with `glossary`.
"""
