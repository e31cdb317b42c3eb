"""Sessions and corpora as one HTML page that needs nothing else: `simulst report`."""
