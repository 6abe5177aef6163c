"""Customers of a bank in three countries: layout, contract and simulator."""
