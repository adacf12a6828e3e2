"""What things are: calls, agents, queues, switch commands and events. Standard library only; no I/O, no clock."""
