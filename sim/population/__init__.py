"""The first customers (a synthetic bank or a real customer book) and those who join."""
