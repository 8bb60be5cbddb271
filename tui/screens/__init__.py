"""What fills the terminal: the launcher, a training, the results, and questions over them."""
