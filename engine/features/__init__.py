"""Features of the frozen prefix: kept on disk, made once."""
