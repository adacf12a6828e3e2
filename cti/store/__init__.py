"""The database: tables, queries, the writer of durable events, the worker. See docs/architecture.md."""
