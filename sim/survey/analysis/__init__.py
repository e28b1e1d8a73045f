"""What answers say, simulated or real alike: `asking.analyse` asks every room for tables, notes and facts."""
