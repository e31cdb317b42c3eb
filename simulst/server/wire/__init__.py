"""Wire protocols: one file each, pure functions between frames and events; no sockets."""
