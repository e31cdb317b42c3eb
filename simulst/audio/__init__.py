"""Taking in sound: files, streams and microphones, on one sample clock."""
