"""A real call into a service number, placed from the page, so that a newcomer without a phone sees everything."""
