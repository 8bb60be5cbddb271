"""A ranking or the answers as text, Markdown, HTML, CSV, JSON."""
