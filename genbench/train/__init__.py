"""The trainer: K seeds as lanes of one vectorized, compiled program."""
