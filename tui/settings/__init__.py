"""What is fixed or remembered: keys, themes, preferences, the speed of this machine."""
