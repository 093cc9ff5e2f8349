"""Words for people: names that are nearest to a slip, and the glossary of screens and docs."""
