"""The supervisor's live page: queues, waiting callers, agents, as they change."""
