"""What the engine must know about the centre, as one document: agents, queues, numbers, menus, trunks.

The store publishes it (``cti.store.publish_config``) and the engine reads it from the bus, so the engine never waits
on a database. ``centre.CentreConfig.from_document`` accepts the JSON that ``to_document`` gives.
"""
