"""Finding customers by any fields, of their orders too: conditions in nested groups, saved and shared."""
