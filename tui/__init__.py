"""The terminal interface: it draws what the engine tells, and computes no metric."""
