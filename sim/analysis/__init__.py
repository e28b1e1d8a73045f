"""What a sweep teaches: effects, sensitivity, robustness and where a strategy fails, from its folder alone."""
