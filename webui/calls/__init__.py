"""The call log: list, one call with its legs and recordings, the agent's note."""
