"""Scores: how late and how good."""
