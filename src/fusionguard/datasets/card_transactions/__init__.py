"""Simulated card transactions of customers with habits, with five kinds of fraud: declaration and simulator."""
