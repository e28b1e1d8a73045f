"""`calibrate`: the numbers of a study or of a whole bank, with the checks of the method, in a folder."""
