"""What draws a part of a screen; knows nothing of the screens around it."""
