"""One-shot jobs over the rest: predict, export, fetch, doctor, and what a run will take."""
