"""All runs of a folder as one table: rows, index, filter. Reads run directories, changes none."""
