"""Talks whose words are known, interpreted from their sound: what is lost, and where."""
