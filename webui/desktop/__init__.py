"""The agent's page: phone bar, customer panel, call note, own calls; commands go to the engine on the bus."""
