"""Small programs that show what simulst does."""
