"""Tests of simulst.evaluate."""
