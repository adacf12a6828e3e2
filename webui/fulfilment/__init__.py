"""The warehouse: picking, packing, shipping, parcels and what carriers say of them, what comes back, carriers."""
