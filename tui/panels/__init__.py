"""Widgets that draw a part of a screen, and know nothing of the screens around them."""
