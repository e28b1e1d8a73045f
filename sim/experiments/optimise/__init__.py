"""Which levers are best: candidates proposed by Optuna, raced over seeds they share, confirmed on seeds nobody saw."""
