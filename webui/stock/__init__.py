"""Stock: what lies where, goods in and out, transfers, counts, the ledger."""
