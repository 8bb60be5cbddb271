"""The training screen, and the keys that tell the run at work something."""
