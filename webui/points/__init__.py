"""Members and points: members, the statement of one, rules, the shop's parameters."""
