"""A page to play with: a reference and an arm of a bank side by side in the browser (`serve`)."""
