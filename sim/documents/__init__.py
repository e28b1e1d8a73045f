"""Documents made out of code and results: the ODD protocol, crates of runs, the file for model risk."""
