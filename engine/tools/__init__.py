"""One-shot jobs over the rest: predict, export, fetch, doctor, what a run will take."""
