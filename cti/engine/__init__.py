"""The engine process: feeds ``cti.services.engine.Engine`` and carries its effects out."""
