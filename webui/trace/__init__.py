"""The operation log: what switches said and were told, of one call or of none, in words."""
