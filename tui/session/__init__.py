"""What the screens show of a session: its source, its events, a frozen view of its runs."""
