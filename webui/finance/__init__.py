"""The money of orders and calls: settlements with carriers, refunds, payments, invoices, the books, call charges."""
