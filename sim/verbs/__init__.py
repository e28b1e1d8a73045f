"""What the verbs of the command line do; rooms below are imported where a verb needs them."""
