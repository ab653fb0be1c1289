"""What arrived, as JSON: the questions that demo, tests and acceptance runs ask."""
