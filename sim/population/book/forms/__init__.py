"""The kinds of file that a customer book may be, one a room."""
