"""Administration: people, queues, service numbers and menus, trunks, and the record of who changed what."""
