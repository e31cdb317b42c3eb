"""Rejection sampling fine-tuning: talks -> samples -> accepted -> a better policy."""
