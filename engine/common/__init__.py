"""Text, JSON, files, locks and folders: knows nothing of training, and imports only `errors`."""
