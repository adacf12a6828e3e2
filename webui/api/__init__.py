"""The REST API under ``/api/v1``, and the pages of its keys and of webhooks."""
