"""Interpretation over the network: many wires, one session core."""
