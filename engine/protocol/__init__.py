"""What trainer and screen exchange: events out, commands in, and the facts they carry."""
