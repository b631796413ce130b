"""First words of a report: what was found, and how sure that is, by general rule from verdicts that exist."""
