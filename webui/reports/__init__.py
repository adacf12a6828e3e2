"""Reports of orders, media, products, regions, satisfaction: each a row of the registry."""
