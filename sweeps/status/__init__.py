"""How far a study is, told from its directory alone."""
