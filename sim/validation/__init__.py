"""Does the model behave like a bank: its stylised facts, lived and held against what is known."""
