"""Timings, run by hand: ratios are printed, nothing is asserted."""
