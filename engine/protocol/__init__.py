"""The words between trainer and screen: events out, commands in, and the facts they carry."""
