"""The wallboard: queues, waits, agents and lines on a large screen that nobody touches."""
