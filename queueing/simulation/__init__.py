"""Chance: random numbers in, estimates out."""
