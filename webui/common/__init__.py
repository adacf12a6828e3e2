"""What every feature of the site shares: database session, permissions, languages, errors, the way to the engine."""
