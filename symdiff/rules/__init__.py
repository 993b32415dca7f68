"""The tables of mathematics: differentials, identities, stable forms. They read like a calculus book and compute nothing themselves."""
