"""Recipes that make the packs."""
