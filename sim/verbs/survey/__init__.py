"""What the verbs `survey` and `diagnose` do, one way a file; each has `main(arguments) -> exit code`."""
