"""Prequential validation: learn from some days, wait until their outcomes are known, judge days after; each fold a step earlier.

So are models used: one is made of what was known, and asked about owners of whom nobody has found out yet. The protocol and the
reading by owners are those of Le Borgne, Siblini, Lebichot and Bontempi (Université Libre de Bruxelles, 2022), chapter 5.
"""
