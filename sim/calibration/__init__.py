"""Numbers of the model from data: problems, inference, checks, and the posterior that other verbs draw from."""
