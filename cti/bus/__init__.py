"""The bus between engine, worker and pages: NATS, and its twin in memory. The protocol is docs/bus.md."""
