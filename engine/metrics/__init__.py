"""The table of what is measured on the test images beside loss and accuracy. Pure functions."""
