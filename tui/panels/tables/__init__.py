"""Tables of any number of rows: runs, models, the catalogue."""
