"""The results screen, and its actions on runs."""
