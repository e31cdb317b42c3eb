"""The recipe of the English listener: speak a corpus, train a small Whisper, export a pack."""
