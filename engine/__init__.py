"""The training engine of cifar-tui: trains, records and ranks; knows nothing of any front end."""
