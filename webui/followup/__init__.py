"""Customers who did not reach anybody: messages to hear, lost calls to call back."""
