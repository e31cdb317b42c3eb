"""How the packs that ship were trained, from beginning to end: one file a pack, read by `book`."""
