"""Figures: one file each, from records alone, with the numbers behind them. No torch."""
