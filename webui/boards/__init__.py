"""Voice boards: their lines as they are now, and what each is for."""
