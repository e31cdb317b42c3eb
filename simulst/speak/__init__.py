"""The translation read aloud: word groups, a synthesiser, and where its sound goes."""
