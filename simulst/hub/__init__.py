"""Models of the Hugging Face hub: what it has, pulling them, and what is on this machine."""
