"""Card transactions of two days in September 2013: layout, contract and simulator."""
