"""One widget a panel; panels do not know each other."""
