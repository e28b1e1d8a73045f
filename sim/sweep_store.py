"""A sweep's folder on disk and read back; knows nothing of banks."""
