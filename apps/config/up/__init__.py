"""`make up`: starts the five processes, keeps them alive, stops them in order.

Knows how to run a program, never what it does.
"""
