"""What survey tools write, one format a file; each has `read(path) -> Imported`."""
