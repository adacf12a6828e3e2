"""Getting ready to run: secrets, a private Asterisk, prompts, ports. Knows nothing of calls, agents or the database."""
